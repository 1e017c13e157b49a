// Where the entries of a layer go in its image: links in their names are followed inside the image's root, as the layer and those
// below it show them together. The same rules as LayerTree's, of a tree that is no file system yet.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "sys/erofs_tree.h"
#include "sys/layer_lowers.h"
#include "sys/place_walk.h"

namespace berth::sys {

/// A directory that the layers show. `node` is null where only those below have it.
struct ErofsPlace {
  std::shared_ptr<ErofsNode> node;
  LowerDirectory lowers;
};

class ErofsPlaces {
 public:
  using Node = std::shared_ptr<ErofsNode>;
  /// Gives the directories of the layers below, topmost first. It may wait for them.
  using Lowers = std::function<Result<std::vector<std::shared_ptr<const Fd>>>()>;

  ErofsPlaces(ErofsTree& tree, Lowers lowers, Refusal& refusal)
      : tree_(tree), lowers_(std::move(lowers)), refusal_(refusal) {}

  /// Until then `below()` is empty.
  Result<void> need_lowers();
  const LowerDirectory& below() const { return below_; }

  /// The directory `path`, for children to be put in: missing parts are made, with the attributes of the layer below where that has
  /// them.
  Result<Node> open(const std::string& path);
  /// The same, with what the layers below show there.
  Result<ErofsPlace> open_merged(const std::string& path);
  /// Makes nothing: false when `path` is nowhere.
  Result<bool> look(const std::string& path, ErofsPlace& place);
  /// The directory `path` if all parts of it are this layer's own, and no links: nobody has to look below.
  Node own(const std::string& path) const;
  /// Something was removed: what was remembered may be wrong now.
  void forget() { recent_.clear(); }

 private:
  using Found = WalkStep<ErofsPlace>;
  Result<bool> walk(const std::string& path, bool make, ErofsPlace& place);
  Result<Found> step(const ErofsPlace& parent, const std::string& name, bool make);
  Result<Found> step_below(const ErofsPlace& parent, const std::string& name, bool make);

  ErofsTree& tree_;
  Lowers lowers_;  // empty once they have been asked for
  Refusal& refusal_;
  LowerDirectory below_;
  std::unordered_map<std::string, Node> recent_;
};

/// Attributes as a directory or file of a layer below has them.
Result<ErofsAttributes> attributes_of_lower(int file);

}  // namespace berth::sys
