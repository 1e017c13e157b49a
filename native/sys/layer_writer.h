// Puts the entries of one layer into a tree: the OCI image specification's "layer.md", with the
// choices of docs/reference/layers.md where it leaves room.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_set>

#include "sys/layer_rules.h"
#include "sys/layer_tree.h"
#include "sys/refusal.h"
#include "sys/tar_reader.h"

namespace berth::sys {

class LayerWriter {
 public:
  /// `over_lower`: other layers were put into the same tree before (never true of an overlay tree).
  LayerWriter(LayerTree& tree, bool over_lower, const WriterLimits& limits, Refusal& refusal);

  /// One entry, whose data are read from `archive`. Refuses with BAD_TAR, ESCAPE_ATTEMPT,
  /// ID_OUT_OF_RANGE, LIMIT_EXCEEDED.
  Result<void> apply(const TarEntry& entry, TarReader& archive);
  const LayerCounts& counts() const { return counts_; }
  /// The layer describes its root.
  bool has_root() const { return has_root_; }

 private:
  struct Place {
    LayerTree::Handle parent;
    std::string name, path;  // path: the true one
    int at() const { return parent->handle.get(); }
  };

  Result<Place> place_of(const LayerEntry& checked);
  Result<void> apply_root(const TarEntry& entry);
  Result<void> apply_directory(const Place& place, const TarEntry& entry, const std::string& asked);
  Result<void> apply_file(const Place& place, const TarEntry& entry, TarReader& archive);
  Result<void> apply_link(const Place& place, const TarEntry& entry);
  Result<void> apply_symlink(const Place& place, const TarEntry& entry);
  Result<void> apply_fifo(const Place& place, const TarEntry& entry);
  Result<Fd> create_file(const Place& place, mode_t mode);
  Result<void> set_attributes(int file, const TarEntry& entry, mode_t created_as);
  Result<void> dress_directory(int directory, const std::string& path, const TarEntry& entry);
  Result<void> set_xattrs(int file, const TarEntry& entry);
  /// Clears the way for something new; `what` may be gone already.
  Result<void> remove(const Place& place);
  /// In an overlay tree: brings a file of the lower layers up, so that a hard link can be made to
  /// it.
  Result<void> copy_up(const std::string& path);

  Result<void> apply_whiteout(const std::string& parent, const std::string& name);
  Result<void> apply_opaque(const std::string& parent);
  Result<void> hide_lower(const std::string& parent, const std::string& name);
  Result<void> make_opaque(int directory);
  Result<void> drop_whiteouts(int directory);
  Result<void> delete_lower(int parent, const std::string& parent_path, const std::string& name);
  Result<void> delete_lower_children(int directory, const std::string& path);
  /// The true paths that this layer brought, where its own whiteouts must spare them. Salted
  /// hashes: a chance collision (2^-64 a pair) would spare one file too many.
  void mark_made(const std::string& path);
  bool was_made(const std::string& path) const;

  LayerTree& tree_;
  const bool tracks_;
  LayerRules rules_;
  LayerCounts& counts_ = rules_.counts();
  Refusal& refusal_;
  bool has_root_ = false;
  std::string salt_;
  std::unordered_set<uint64_t> made_;
};

}  // namespace berth::sys
