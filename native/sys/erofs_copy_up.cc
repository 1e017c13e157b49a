// A hard link to a file of a layer below: the file has to be in this image for the link to be made.
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/erofs_layer.h"
#include "sys/kernel.h"

namespace berth::sys {

Result<ErofsLayer::Node> ErofsLayer::copy_file(const LowerDirectory::Found& found,
                                               const std::string& name) {
  const kernel::OpenHow reading{O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0,
                                kernel::kResolveBeneath | kernel::kResolveNoSymlinks};
  BERTH_ASSIGN(const Fd source,
               adopt(kernel::openat2(found.holder, name.c_str(), reading), "openat2"));
  BERTH_ASSIGN(ErofsAttributes attributes, attributes_of_lower(source.get()));
  BERTH_ASSIGN(ErofsContent content,
               tree_.file().copy(source.get(), static_cast<uint64_t>(found.status.st_size)));
  return tree_.new_file(attributes, std::move(content));
}

Result<void> ErofsLayer::copy_up(const SplitPath& path) {
  ErofsPlace seen;
  BERTH_ASSIGN(const bool there, places_.look(path.parent, seen));
  if (!there) return {};
  BERTH_ASSIGN(const LowerDirectory::Found found, seen.lowers.find(path.name.c_str()));
  if (found.kind == LowerDirectory::Kind::kNone || found.kind == LowerDirectory::Kind::kDirectory)
    return {};
  if (found.kind == LowerDirectory::Kind::kSymlink) {
    char text[PATH_MAX];
    const ssize_t length = readlinkat(found.holder, path.name.c_str(), text, sizeof text);
    if (length < 0) return last_error("readlinkat");
    const ErofsAttributes attributes{
        S_IFLNK | 0777, found.status.st_uid, found.status.st_gid, found.status.st_mtim, {}};
    BERTH_ASSIGN(Node link, tree_.new_symlink(attributes, {text, static_cast<size_t>(length)}));
    BERTH_ASSIGN(const ErofsPlace folder, places_.open_merged(path.parent));
    return tree_.add(*folder.node, path.name, std::move(link));
  }
  if (!S_ISREG(found.status.st_mode)) {
    return refusal_.refuse(
        "BAD_TAR", "a hard link leads to something that is neither a file nor a symbolic link");
  }
  BERTH_ASSIGN(Node file, copy_file(found, path.name));
  BERTH_ASSIGN(const ErofsPlace folder, places_.open_merged(path.parent));
  return tree_.add(*folder.node, path.name, std::move(file));
}

}  // namespace berth::sys
