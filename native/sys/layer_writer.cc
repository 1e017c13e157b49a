#include "sys/layer_writer.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <functional>
#include <string_view>

#include "sys/defence.h"
#include "sys/kernel.h"
#include "sys/layer_attributes.h"
#include "sys/remove_tree.h"
#include "sys/tar_contents.h"

namespace berth::sys {
namespace {

constexpr mode_t kPermissions = 01777;
constexpr mode_t kSetId = 06000;

Result<Fd> open_inside(int parent, const std::string& name, uint64_t flags, mode_t mode = 0) {
  return adopt(kernel::openat2(parent, name.c_str(),
                               {flags | O_NOFOLLOW | O_CLOEXEC, mode,
                                kernel::kResolveBeneath | kernel::kResolveNoSymlinks |
                                    kernel::kResolveNoMagiclinks | kernel::kResolveNoXdev}),
               "openat2");
}

}  // namespace

LayerWriter::LayerWriter(LayerTree& tree, bool over_lower, const WriterLimits& limits,
                         Refusal& refusal)
    : tree_(tree),
      tracks_(over_lower),
      rules_(limits, refusal),
      refusal_(refusal),
      salt_(16, '\0') {
  // Only spoils collisions that a layer's author could prepare; without it the layer still unpacks
  // right.
  if (getrandom(salt_.data(), salt_.size(), GRND_NONBLOCK) < 0) salt_.clear();
}

void LayerWriter::mark_made(const std::string& path) {
  if (!tracks_) return;
  std::string_view rest = path;
  while (made_.insert(std::hash<std::string>{}(salt_ + std::string(rest))).second) {
    const size_t slash = rest.rfind('/');
    if (slash == std::string_view::npos) break;
    rest = rest.substr(0, slash);
  }
}

bool LayerWriter::was_made(const std::string& path) const {
  return made_.contains(std::hash<std::string>{}(salt_ + path));
}

Result<LayerWriter::Place> LayerWriter::place_of(const LayerEntry& checked) {
  Place place;
  place.name = checked.name;
  BERTH_ASSIGN(place.parent, tree_.open(checked.parent));
  place.path = place.parent->path.empty() ? place.name : place.parent->path + "/" + place.name;
  return place;
}

Result<void> LayerWriter::apply(const TarEntry& entry, TarReader& archive) {
  BERTH_ASSIGN(const LayerEntry checked, rules_.check(entry));
  switch (checked.kind) {
    case LayerEntry::Kind::kRoot:
      return apply_root(entry);
    case LayerEntry::Kind::kWhiteout:
      return apply_whiteout(checked.parent, checked.name);
    case LayerEntry::Kind::kOpaque:
      return apply_opaque(checked.parent);
    case LayerEntry::Kind::kLeftOut:
      return {};
    case LayerEntry::Kind::kThing:
      break;
  }
  BERTH_ASSIGN(const Place place, place_of(checked));
  mark_made(place.path);
  switch (entry.type) {
    case TarType::kFile:
      return apply_file(place, entry, archive);
    case TarType::kHardLink:
      return apply_link(place, entry);
    case TarType::kSymlink:
      return apply_symlink(place, entry);
    case TarType::kDirectory:
      return apply_directory(place, entry, checked.path);
    default:
      return apply_fifo(place, entry);
  }
}

Result<void> LayerWriter::apply_root(const TarEntry& entry) {
  has_root_ = true;
  const int root = tree_.root()->handle.get();
  if (fchmod(root, entry.mode & kPermissions) != 0) return last_error("fchmod");
  BERTH_TRY(clear_xattrs(root));
  return dress_directory(root, "", entry);
}

Result<void> LayerWriter::remove(const Place& place) {
  tree_.forget(place.path);
  return remove_tree(place.at(), place.name.c_str());
}

Result<void> LayerWriter::apply_directory(const Place& place, const TarEntry& entry,
                                          const std::string& asked) {
  const mode_t mode = entry.mode & kPermissions;
  bool replaces = false;
  while (mkdirat(place.at(), place.name.c_str(), mode) != 0) {
    if (errno != EEXIST) return last_error("mkdirat");
    struct stat status;
    if (fstatat(place.at(), place.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
      return last_error("fstatat");
    if (S_ISDIR(status.st_mode)) {
      BERTH_ASSIGN(const Fd existing, open_inside(place.at(), place.name, O_RDONLY | O_DIRECTORY));
      if (fchown(existing.get(), 0, 0) != 0) return last_error("fchown");
      if (fchmod(existing.get(), mode) != 0) return last_error("fchmod");
      BERTH_TRY(clear_xattrs(existing.get()));
      break;
    }
    // What it replaces hid the lower layers' directory of that name; so must it.
    BERTH_TRY(remove(place));
    replaces = true;
  }
  BERTH_ASSIGN(Fd directory, open_inside(place.at(), place.name, O_RDONLY | O_DIRECTORY));
  if (replaces && tree_.overlay()) BERTH_TRY(make_opaque(directory.get()));
  BERTH_TRY(dress_directory(directory.get(), place.path, entry));
  tree_.remember(
      asked, std::make_shared<TreeDirectory>(TreeDirectory{std::move(directory), place.path, {}}));
  return {};
}

/// Owner, attributes and, later, time of a directory that has its plain mode.
Result<void> LayerWriter::dress_directory(int directory, const std::string& path,
                                          const TarEntry& entry) {
  if (fchown(directory, static_cast<uid_t>(entry.uid), static_cast<gid_t>(entry.gid)) != 0)
    return last_error("fchown");
  DirectoryFinish finish{entry.mtime, (entry.mode & kSetId) != 0 ? entry.mode : 0, {}};
  TarEntry rest;
  for (const auto& xattr : entry.xattrs) {
    if (xattr.first == kDefaultAcl) {
      finish.default_acl = xattr.second;
    } else {
      rest.xattrs.push_back(xattr);
    }
  }
  BERTH_TRY(set_xattrs(directory, rest));
  return tree_.finish_with(path, std::move(finish));
}

Result<void> LayerWriter::apply_file(const Place& place, const TarEntry& entry,
                                     TarReader& archive) {
  BERTH_TRY(rules_.count_file(entry));
  const mode_t mode = entry.mode & 0777;
  BERTH_ASSIGN(const Fd file, create_file(place, mode));
  BERTH_TRY(write_contents(file.get(), entry, archive));
  return set_attributes(file.get(), entry, mode);
}

Result<Fd> LayerWriter::create_file(const Place& place, mode_t mode) {
  constexpr uint64_t kFlags = O_WRONLY | O_CREAT | O_EXCL;
  auto file = open_inside(place.at(), place.name, kFlags, mode);
  if (file || (file.error().number != EEXIST && file.error().number != ELOOP)) return file;
  BERTH_TRY(remove(place));
  return open_inside(place.at(), place.name, kFlags, mode);
}

/// Owner before mode, both before capabilities: chown(2) clears set-id bits and capabilities. Time
/// last.
Result<void> LayerWriter::set_attributes(int file, const TarEntry& entry, mode_t created_as) {
  if ((entry.uid != 0 || entry.gid != 0) &&
      fchown(file, static_cast<uid_t>(entry.uid), static_cast<gid_t>(entry.gid)) != 0) {
    return last_error("fchown");
  }
  if (entry.mode != created_as && fchmod(file, entry.mode) != 0) return last_error("fchmod");
  if (!entry.xattrs.empty()) BERTH_TRY(set_xattrs(file, entry));
  const timespec times[2] = {entry.mtime, entry.mtime};
  if (futimens(file, times) != 0) return last_error("futimens");
  return {};
}

Result<void> LayerWriter::set_xattrs(int file, const TarEntry& entry) {
  for (const auto& [name, value] : entry.xattrs) {
    if (is_reserved_xattr(name)) {
      ++counts_.xattrs_skipped;
      continue;
    }
    if (auto outcome = set_xattr(file, name, value); !outcome) {
      // Capabilities are part of what the image does; the rest a file system may lack.
      if (outcome.error().number != ENOTSUP || name == "security.capability")
        return outcome.error();
      ++counts_.xattrs_skipped;
    }
  }
  return {};
}

Result<void> LayerWriter::apply_symlink(const Place& place, const TarEntry& entry) {
  if (entry.link.empty()) return refusal_.refuse("BAD_TAR", "a symbolic link leads nowhere");
  if (symlinkat(entry.link.c_str(), place.at(), place.name.c_str()) != 0) {
    if (errno != EEXIST) return last_error("symlinkat");
    BERTH_TRY(remove(place));
    if (symlinkat(entry.link.c_str(), place.at(), place.name.c_str()) != 0)
      return last_error("symlinkat");
  }
  if ((entry.uid != 0 || entry.gid != 0) &&
      fchownat(place.at(), place.name.c_str(), static_cast<uid_t>(entry.uid),
               static_cast<gid_t>(entry.gid), AT_SYMLINK_NOFOLLOW) != 0) {
    return last_error("fchownat");
  }
  for (const auto& [name, value] : entry.xattrs) {
    const std::string path = "/proc/self/fd/" + std::to_string(place.at()) + "/" + place.name;
    if (is_reserved_xattr(name) ||
        lsetxattr(path.c_str(), name.c_str(), value.data(), value.size(), 0) != 0) {
      // user.* is not for links (xattr(7)), and tar writers state it all the same.
      ++counts_.xattrs_skipped;
    }
  }
  const timespec times[2] = {entry.mtime, entry.mtime};
  if (utimensat(place.at(), place.name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0)
    return last_error("utimensat");
  return {};
}

Result<void> LayerWriter::apply_fifo(const Place& place, const TarEntry& entry) {
  if (mknodat(place.at(), place.name.c_str(), S_IFIFO | 0600, 0) != 0) {
    if (errno != EEXIST) return last_error("mknodat");
    BERTH_TRY(remove(place));
    if (mknodat(place.at(), place.name.c_str(), S_IFIFO | 0600, 0) != 0)
      return last_error("mknodat");
  }
  // Nobody else is in the tree, so the name is still the fifo; opened for both ends it never waits
  // (fifo(7)).
  BERTH_ASSIGN(const Fd fifo, open_inside(place.at(), place.name, O_RDWR | O_NONBLOCK));
  return set_attributes(fifo.get(), entry, 0600);
}

Result<void> LayerWriter::apply_link(const Place& place, const TarEntry& entry) {
  BERTH_ASSIGN(const std::string target, rules_.clean(entry.link, "its hard link's target"));
  if (target.empty()) return refusal_.refuse("BAD_TAR", "a hard link leads to a directory");
  const SplitPath split = split_path(target);
  const std::string &parent = split.parent, &name = split.name;
  struct stat status;
  const auto present_in = [&](const LayerTree::Handle& folder) {
    return folder != nullptr && folder->handle &&
           fstatat(folder->handle.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
  };
  // Mostly the target is in this very layer, and then nobody waits for those below.
  LayerTree::Handle folder = tree_.own(parent);
  for (bool looked = false, copied = false;;) {
    const bool present = present_in(folder);
    if (!present && !looked) {
      looked = true;
      BERTH_ASSIGN(folder, tree_.look(parent));
      continue;
    }
    if (!present && tree_.overlay() && !copied) {
      copied = true;
      looked = false;
      BERTH_TRY(copy_up(target));
      continue;
    }
    if (!present || is_whiteout(status))
      return refusal_.refuse("BAD_TAR", "its hard link's target '" + target + "' is not there");
    if (S_ISDIR(status.st_mode))
      return refusal_.refuse("BAD_TAR", "a hard link leads to a directory");
    struct stat present_here;
    if (fstatat(place.at(), place.name.c_str(), &present_here, AT_SYMLINK_NOFOLLOW) == 0) {
      if (present_here.st_ino == status.st_ino && present_here.st_dev == status.st_dev) return {};
      BERTH_TRY(remove(place));
    }
    // Without AT_SYMLINK_FOLLOW a link to a symbolic link is one to the link itself. Attributes
    // stay the target's.
    if (linkat(folder->handle.get(), name.c_str(), place.at(), place.name.c_str(),
               holds("links-to-links") ? 0 : AT_SYMLINK_FOLLOW) != 0) {
      if (errno == ENOENT) return refusal_.refuse("BAD_TAR", "a hard link replaces its own target");
      return last_error("linkat");
    }
    return {};
  }
}

}  // namespace berth::sys
