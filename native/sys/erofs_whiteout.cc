// Whiteouts in an image, by the same rules as in a folder (layer_whiteout.cc).
#include "sys/erofs_layer.h"

namespace berth::sys {

Result<void> ErofsLayer::apply_whiteout(const LayerEntry& checked) {
  ErofsPlace seen;
  BERTH_ASSIGN(const bool there, places_.look(checked.parent, seen));
  if (!there) return {};
  // A whiteout of nothing would show as a broken entry in a directory that no lower layer has.
  BERTH_ASSIGN(const LowerDirectory::Found found, seen.lowers.find(checked.name.c_str()));
  if (found.kind == LowerDirectory::Kind::kNone) return {};
  BERTH_ASSIGN(const ErofsPlace folder, places_.open_merged(checked.parent));
  const Node present = folder.node->directory->find(checked.name);
  if (present != nullptr) {
    if (present->is_directory()) make_opaque(*present);
    return {};
  }
  // A link of that name in a lower layer may have been followed before.
  places_.forget();
  BERTH_ASSIGN(Node whiteout, tree_.new_whiteout());
  return tree_.add(*folder.node, checked.name, std::move(whiteout));
}

Result<void> ErofsLayer::apply_opaque(const std::string& parent) {
  BERTH_ASSIGN(const ErofsPlace folder, places_.open_merged(parent));
  if (folder.node == tree_.root()) rules_.counts().root_opaque = true;
  make_opaque(*folder.node);
  return {};
}

/// Below an opaque directory nothing is left to hide, and overlayfs shows a whiteout there as a broken entry.
void ErofsLayer::make_opaque(ErofsNode& directory) {
  directory.directory->opaque = true;
  std::vector<ErofsNode*> waiting{&directory};
  while (!waiting.empty()) {
    auto& children = waiting.back()->directory->children;
    waiting.pop_back();
    for (auto at = children.begin(); at != children.end();) {
      if (at->second->is_directory()) waiting.push_back(at->second.get());
      at = at->second->whiteout ? children.erase(at) : std::next(at);
    }
  }
}

}  // namespace berth::sys
