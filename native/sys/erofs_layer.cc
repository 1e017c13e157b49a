#include "sys/erofs_layer.h"

#include <sys/stat.h>

namespace berth::sys {

/// Attributes that no file system would take are left out and counted, as are those that an image has no say in.
ErofsAttributes ErofsLayer::attributes_of(const TarEntry& entry, mode_t type) {
  ErofsAttributes attributes{type | entry.mode,
                             static_cast<uint32_t>(entry.uid),
                             static_cast<uint32_t>(entry.gid),
                             entry.mtime,
                             {}};
  for (const auto& xattr : entry.xattrs) {
    const auto &name = xattr.first, &value = xattr.second;
    // user.* is for files and directories alone (xattr(7)).
    const bool misplaced = type != S_IFREG && type != S_IFDIR && !name.starts_with("trusted.") &&
                           !name.starts_with("security.");
    const bool is_default = name == kDefaultAcl && type != S_IFDIR;
    if (is_reserved_xattr(name) || !erofs_has_xattr(name) || misplaced || is_default) {
      ++rules_.counts().xattrs_skipped;
    } else {
      // Of two of a name the last counts.
      std::erase_if(attributes.xattrs, [&](const auto& other) { return other.first == name; });
      attributes.xattrs.emplace_back(name, value);
    }
  }
  return attributes;
}

Result<void> ErofsLayer::apply(const TarEntry& entry, TarReader& archive) {
  BERTH_ASSIGN(const LayerEntry checked, rules_.check(entry));
  switch (checked.kind) {
    case LayerEntry::Kind::kRoot:
      apply_root(entry);
      return {};
    case LayerEntry::Kind::kWhiteout:
      return apply_whiteout(checked);
    case LayerEntry::Kind::kOpaque:
      return apply_opaque(checked.parent);
    case LayerEntry::Kind::kLeftOut:
      return {};
    case LayerEntry::Kind::kThing:
      break;
  }
  BERTH_ASSIGN(const Node parent, places_.open(checked.parent));
  switch (entry.type) {
    case TarType::kFile: {
      BERTH_TRY(rules_.count_file(entry));
      BERTH_ASSIGN(ErofsContent content, tree_.file().take(entry, archive));
      BERTH_ASSIGN(Node file, tree_.new_file(attributes_of(entry, S_IFREG), std::move(content)));
      return replace(*parent, checked.name, std::move(file));
    }
    case TarType::kHardLink:
      return apply_link(*parent, checked, entry);
    case TarType::kSymlink: {
      if (entry.link.empty()) return refusal_.refuse("BAD_TAR", "a symbolic link leads nowhere");
      ErofsAttributes attributes = attributes_of(entry, S_IFLNK);
      attributes.mode = S_IFLNK | 0777;
      BERTH_ASSIGN(Node link, tree_.new_symlink(attributes, entry.link));
      return replace(*parent, checked.name, std::move(link));
    }
    case TarType::kDirectory:
      return apply_directory(*parent, checked, entry);
    default: {
      BERTH_ASSIGN(Node fifo, tree_.new_fifo(attributes_of(entry, S_IFIFO)));
      return replace(*parent, checked.name, std::move(fifo));
    }
  }
}

void ErofsLayer::apply_root(const TarEntry& entry) {
  has_root_ = true;
  tree_.root()->directory->attributes = attributes_of(entry, S_IFDIR);
}

Result<void> ErofsLayer::finish() {
  if (has_root_) return {};
  BERTH_TRY(places_.need_lowers());
  if (places_.below().empty()) return {};
  BERTH_ASSIGN(tree_.root()->directory->attributes, attributes_of_lower(places_.below().topmost()));
  return {};
}

void ErofsLayer::remove(ErofsNode& parent, const std::string& name) {
  if (parent.directory->find(name) == nullptr) return;
  places_.forget();
  ErofsTree::remove(parent, name);
}

Result<void> ErofsLayer::replace(ErofsNode& parent, const std::string& name, Node node) {
  remove(parent, name);
  return tree_.add(parent, name, std::move(node));
}

Result<void> ErofsLayer::apply_directory(ErofsNode& parent, const LayerEntry& checked,
                                         const TarEntry& entry) {
  ErofsAttributes attributes = attributes_of(entry, S_IFDIR);
  const Node present = parent.directory->find(checked.name);
  if (present != nullptr && present->is_directory()) {
    present->directory->attributes = std::move(attributes);
    return {};
  }
  const Node directory = ErofsTree::new_directory(std::move(attributes));
  // What it replaces hid the lower layers' directory of that name; so must it.
  directory->directory->opaque = present != nullptr;
  return replace(parent, checked.name, directory);
}

Result<void> ErofsLayer::apply_link(ErofsNode& parent, const LayerEntry& checked,
                                    const TarEntry& entry) {
  BERTH_ASSIGN(const std::string target, rules_.clean(entry.link, "its hard link's target"));
  if (target.empty()) return refusal_.refuse("BAD_TAR", "a hard link leads to a directory");
  const SplitPath split = split_path(target);
  const auto present_in = [&](const Node& folder) -> Node {
    return folder == nullptr ? nullptr : folder->directory->find(split.name);
  };
  // Mostly the target is in this very layer, and then nobody waits for those below.
  Node folder = places_.own(split.parent);
  Node file = present_in(folder);
  for (bool copied = false; file == nullptr && !copied; copied = true) {
    ErofsPlace place;
    BERTH_ASSIGN(bool found, places_.look(split.parent, place));
    folder = found ? place.node : nullptr;
    file = present_in(folder);
    if (file != nullptr) break;
    BERTH_TRY(copy_up(split));
    BERTH_ASSIGN(found, places_.look(split.parent, place));
    folder = found ? place.node : nullptr;
    file = present_in(folder);
  }
  if (file == nullptr || file->whiteout)
    return refusal_.refuse("BAD_TAR", "its hard link's target '" + target + "' is not there");
  if (file->is_directory()) return refusal_.refuse("BAD_TAR", "a hard link leads to a directory");
  if (parent.directory->find(checked.name) == file) return {};
  remove(parent, checked.name);
  if (present_in(folder) == nullptr)
    return refusal_.refuse("BAD_TAR", "a hard link replaces its own target");
  // To a symbolic link it is one to the link itself. Attributes stay the target's.
  ++file->links;
  return tree_.add(parent, checked.name, file);
}

}  // namespace berth::sys
