// Puts the entries of one layer into an EROFS image, as LayerWriter puts them into a folder.
#pragma once

#include "sys/erofs_places.h"
#include "sys/layer_rules.h"

namespace berth::sys {

class ErofsLayer {
 public:
  ErofsLayer(ErofsTree& tree, ErofsPlaces& places, const WriterLimits& limits, Refusal& refusal)
      : tree_(tree), places_(places), rules_(limits, refusal), refusal_(refusal) {}

  /// One entry, whose data are read from `archive`. Refuses with BAD_TAR, ESCAPE_ATTEMPT,
  /// ID_OUT_OF_RANGE, LIMIT_EXCEEDED, NO_IMAGE.
  Result<void> apply(const TarEntry& entry, TarReader& archive);
  /// After the last: a root that the layer does not describe is like that of the layers below, else from the epoch.
  Result<void> finish();
  const LayerCounts& counts() const { return rules_.counts(); }

 private:
  using Node = ErofsPlaces::Node;
  ErofsAttributes attributes_of(const TarEntry& entry, mode_t type);
  void apply_root(const TarEntry& entry);
  Result<void> apply_directory(ErofsNode& parent, const LayerEntry& checked, const TarEntry& entry);
  Result<void> apply_link(ErofsNode& parent, const LayerEntry& checked, const TarEntry& entry);
  /// In place of whatever has the name.
  Result<void> replace(ErofsNode& parent, const std::string& name, Node node);
  void remove(ErofsNode& parent, const std::string& name);

  Result<void> apply_whiteout(const LayerEntry& checked);
  Result<void> apply_opaque(const std::string& parent);
  static void make_opaque(ErofsNode& directory);

  /// Brings a file of the layers below into this one, so that a hard link can be made to it.
  Result<void> copy_up(const SplitPath& path);
  Result<Node> copy_file(const LowerDirectory::Found& found, const std::string& name);

  ErofsTree& tree_;
  ErofsPlaces& places_;
  LayerRules rules_;
  Refusal& refusal_;
  bool has_root_ = false;
};

}  // namespace berth::sys
