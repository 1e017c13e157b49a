// A hard link to a file of a lower layer: the file has to be in this layer for the link to be made.
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "sys/kernel.h"
#include "sys/layer_attributes.h"
#include "sys/layer_writer.h"

namespace berth::sys {
namespace {

Result<void> copy_range(int from, int to, off_t at, off_t end) {
  off_t there = at;
  while (at < end) {
    const ssize_t length = copy_file_range(from, &at, to, &there, static_cast<size_t>(end - at), 0);
    if (length < 0) return last_error("copy_file_range");
    if (length == 0) return Error{EIO, "copy_file_range"};
  }
  return {};
}

/// Holes stay holes (lseek(2), SEEK_DATA).
Result<void> copy_data(int from, int to, off_t size) {
  for (off_t at = 0; at < size;) {
    const off_t data = lseek(from, at, SEEK_DATA);
    if (data < 0 && errno == ENXIO) break;
    if (data < 0) return last_error("lseek");
    const off_t hole = lseek(from, data, SEEK_HOLE);
    if (hole < 0) return last_error("lseek");
    BERTH_TRY(copy_range(from, to, data, std::min(hole, size)));
    at = hole;
  }
  if (ftruncate(to, size) != 0) return last_error("ftruncate");
  return {};
}

Result<void> copy_file(const LowerDirectory::Found& found, const std::string& name, int upper) {
  const struct stat& status = found.status;
  const kernel::OpenHow reading{O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0,
                                kernel::kResolveBeneath | kernel::kResolveNoSymlinks};
  BERTH_ASSIGN(const Fd source,
               adopt(kernel::openat2(found.holder, name.c_str(), reading), "openat2"));
  const kernel::OpenHow writing{O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600,
                                kernel::kResolveBeneath | kernel::kResolveNoSymlinks};
  BERTH_ASSIGN(const Fd copy, adopt(kernel::openat2(upper, name.c_str(), writing), "openat2"));
  BERTH_TRY(copy_data(source.get(), copy.get(), status.st_size));
  if (fchown(copy.get(), status.st_uid, status.st_gid) != 0) return last_error("fchown");
  if (fchmod(copy.get(), status.st_mode & 07777) != 0) return last_error("fchmod");
  BERTH_ASSIGN(const Xattrs xattrs, read_xattrs(source.get()));
  for (const auto& [key, value] : xattrs) {
    BERTH_TRY(set_xattr(copy.get(), key, value));
  }
  return {};
}

Result<void> copy_symlink(const LowerDirectory::Found& found, const std::string& name, int upper) {
  char text[PATH_MAX];
  const ssize_t length = readlinkat(found.holder, name.c_str(), text, sizeof text);
  if (length < 0) return last_error("readlinkat");
  const std::string target(text, static_cast<size_t>(length));
  if (symlinkat(target.c_str(), upper, name.c_str()) != 0) return last_error("symlinkat");
  if (fchownat(upper, name.c_str(), found.status.st_uid, found.status.st_gid,
               AT_SYMLINK_NOFOLLOW) != 0) {
    return last_error("fchownat");
  }
  return {};
}

}  // namespace

Result<void> LayerWriter::copy_up(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string parent = slash == std::string::npos ? "" : path.substr(0, slash);
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  BERTH_ASSIGN(const LayerTree::Handle seen, tree_.look(parent));
  if (seen == nullptr) return {};
  BERTH_ASSIGN(const LowerDirectory::Found found, seen->lowers.find(name.c_str()));
  if (found.kind == LowerDirectory::Kind::kNone || found.kind == LowerDirectory::Kind::kDirectory)
    return {};
  BERTH_ASSIGN(const LayerTree::Handle folder, tree_.open_merged(parent));
  const int upper = folder->handle.get();
  if (found.kind == LowerDirectory::Kind::kSymlink) {
    BERTH_TRY(copy_symlink(found, name, upper));
  } else if (S_ISREG(found.status.st_mode)) {
    BERTH_TRY(copy_file(found, name, upper));
  } else {
    return refusal_.refuse(
        "BAD_TAR", "a hard link leads to something that is neither a file nor a symbolic link");
  }
  const timespec times[2] = {found.status.st_mtim, found.status.st_mtim};
  if (utimensat(upper, name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0)
    return last_error("utimensat");
  return {};
}

}  // namespace berth::sys
