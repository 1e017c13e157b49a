// Whiteouts (OCI image specification, layer.md, "Whiteouts"). They hide only what lower layers
// brought: never what the same layer has, in whatever order the archive lists the two.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <vector>

#include "sys/directory_names.h"
#include "sys/kernel.h"
#include "sys/layer_attributes.h"
#include "sys/layer_writer.h"
#include "sys/remove_tree.h"

namespace berth::sys {
namespace {

constexpr uint64_t kInside = kernel::kResolveBeneath | kernel::kResolveNoSymlinks |
                             kernel::kResolveNoMagiclinks | kernel::kResolveNoXdev;

Result<Fd> open_directory(int parent, const char* name) {
  return adopt(
      kernel::openat2(parent, name, {O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0, kInside}),
      "openat2");
}

}  // namespace

Result<void> LayerWriter::apply_whiteout(const std::string& parent, const std::string& name) {
  if (tree_.overlay()) return hide_lower(parent, name);
  if (!tracks_) return {};
  BERTH_ASSIGN(const LayerTree::Handle folder, tree_.look(parent));
  if (folder == nullptr) return {};
  BERTH_ASSIGN(const LayerTree::Handle open, tree_.open_merged(parent));
  return delete_lower(open->handle.get(), open->path, name);
}

Result<void> LayerWriter::apply_opaque(const std::string& parent) {
  if (!tree_.overlay()) {
    if (!tracks_) return {};
    BERTH_ASSIGN(const LayerTree::Handle folder, tree_.open_merged(parent));
    mark_made(folder->path);
    BERTH_TRY(delete_lower_children(folder->handle.get(), folder->path));
    return {};
  }
  BERTH_ASSIGN(const LayerTree::Handle folder, tree_.open_merged(parent));
  if (folder->path.empty()) counts_.root_opaque = true;
  return make_opaque(folder->handle.get());
}

Result<void> LayerWriter::hide_lower(const std::string& parent, const std::string& name) {
  BERTH_ASSIGN(const LayerTree::Handle seen, tree_.look(parent));
  if (seen == nullptr) return {};
  // A whiteout of nothing would show as a broken entry in a directory that no lower layer has.
  BERTH_ASSIGN(const LowerDirectory::Found found, seen->lowers.find(name.c_str()));
  if (found.kind == LowerDirectory::Kind::kNone) return {};
  BERTH_ASSIGN(const LayerTree::Handle folder, tree_.open_merged(parent));
  const int upper = folder->handle.get();
  struct stat status;
  if (fstatat(upper, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
    if (!S_ISDIR(status.st_mode)) return {};
    BERTH_ASSIGN(const Fd directory, open_directory(upper, name.c_str()));
    return make_opaque(directory.get());
  }
  if (mknodat(upper, name.c_str(), S_IFCHR, makedev(0, 0)) != 0) return last_error("mknodat");
  // A link of that name in a lower layer may have been followed before.
  tree_.forget(folder->path.empty() ? name : folder->path + "/" + name);
  return {};
}

Result<void> LayerWriter::make_opaque(int directory) {
  BERTH_TRY(set_xattr(directory, "trusted.overlay.opaque", "y"));
  return drop_whiteouts(directory);
}

/// Below an opaque directory nothing is left to hide, and overlayfs shows a whiteout there as a
/// broken entry.
Result<void> LayerWriter::drop_whiteouts(int directory) {
  BERTH_ASSIGN(const std::vector<std::string> names, directory_names(directory));
  for (const std::string& name : names) {
    struct stat status;
    if (fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
      return last_error("fstatat");
    if (is_whiteout(status) && unlinkat(directory, name.c_str(), 0) != 0)
      return last_error("unlinkat");
    if (!S_ISDIR(status.st_mode)) continue;
    BERTH_ASSIGN(const Fd child, open_directory(directory, name.c_str()));
    BERTH_TRY(drop_whiteouts(child.get()));
  }
  return {};
}

Result<void> LayerWriter::delete_lower(int parent, const std::string& parent_path,
                                       const std::string& name) {
  const std::string path = parent_path.empty() ? name : parent_path + "/" + name;
  if (!was_made(path)) {
    tree_.forget(path);
    return remove_tree(parent, name.c_str());
  }
  auto directory = open_directory(parent, name.c_str());
  if (!directory) return {};
  return delete_lower_children(directory->get(), path);
}

Result<void> LayerWriter::delete_lower_children(int directory, const std::string& path) {
  BERTH_ASSIGN(const std::vector<std::string> names, directory_names(directory));
  for (const std::string& name : names) {
    BERTH_TRY(delete_lower(directory, path, name));
  }
  return {};
}

}  // namespace berth::sys
