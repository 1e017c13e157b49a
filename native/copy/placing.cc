#include "copy/placing.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cstdio>  // renameat

#include "sys/defence.h"
#include "sys/fd.h"
#include "sys/kernel.h"
#include "sys/layer_attributes.h"
#include "sys/tar_contents.h"

namespace berth::copy {
namespace {

using sys::Fd;
using sys::Result;

constexpr mode_t kSetId = S_ISUID | S_ISGID;

Result<void> check(int outcome, const char* call) {
  if (outcome != 0) return sys::last_error(call);
  return {};
}

}  // namespace

mode_t Placing::mode_of(const sys::TarEntry& entry) const {
  // What its owner inside might run as himself, anybody on the host could run as the owner here.
  return entry.mode & (privileges_ || !sys::holds("set-id-of-copies") ? 07777 : 07777 & ~kSetId);
}

std::string Placing::fresh_name() {
  return ".berth-cp-" + std::to_string(getpid()) + "-" + std::to_string(++made_);
}

Result<bool> Placing::folder(int parent, const std::string& name, const sys::TarEntry& entry) {
  if (mkdirat(parent, name.c_str(), 0700) != 0) {
    if (errno != EEXIST) return sys::last_error("mkdirat");
    struct stat status;
    if (fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
      return sys::last_error("fstatat");
    if (S_ISDIR(status.st_mode)) return false;
    return refusal_.refuse("FILE_IN_THE_WAY", "a folder cannot take the place of a file");
  }
  const sys::kernel::OpenHow how{O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0,
                                 sys::kernel::kResolveBeneath | sys::kernel::kResolveNoSymlinks |
                                     sys::kernel::kResolveNoMagiclinks};
  BERTH_ASSIGN(const Fd made,
               sys::adopt(sys::kernel::openat2(parent, name.c_str(), how), "openat2"));
  BERTH_TRY(dress(made.get(), entry));
  return true;
}

Result<void> Placing::put(int parent, const std::string& name, const Maker& make) {
  auto made = make(name);
  if (made || made.error().number != EEXIST) return made;
  struct stat status;
  if (fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode))
    return refusal_.refuse("FOLDER_IN_THE_WAY", "what is no folder cannot take the place of one");
  const std::string fresh = fresh_name();
  BERTH_TRY(make(fresh));
  auto moved = check(renameat(parent, fresh.c_str(), parent, name.c_str()), "renameat");
  // Also after it has moved: of two links to one file rename(2) leaves both.
  (void)unlinkat(parent, fresh.c_str(), 0);
  if (!moved && moved.error().number == EBUSY)
    return refusal_.refuse("MOUNTED_THERE",
                           "something is mounted there, and can only be written to inside");
  return moved;
}

Result<void> Placing::file(int parent, const std::string& name, const sys::TarEntry& entry,
                           sys::TarReader& archive) {
  // Without a name it is gone with this process, however that ends.
  Fd file(openat(parent, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
  if (file) {
    BERTH_TRY(write(file.get(), entry, archive));
    const std::string number = std::to_string(file.get());
    return put(parent, name, [&](const std::string& as) {
      return check(linkat(descriptors_, number.c_str(), parent, as.c_str(), AT_SYMLINK_FOLLOW),
                   "linkat");
    });
  }
  // File systems that have no such files.
  if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL && errno != ENOENT)
    return sys::last_error("openat");
  const std::string fresh = fresh_name();
  file.reset(
      openat(parent, fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return sys::last_error("openat");
  auto outcome = write(file.get(), entry, archive);
  if (outcome) {
    outcome = put(parent, name, [&](const std::string& as) {
      return check(linkat(parent, fresh.c_str(), parent, as.c_str(), 0), "linkat");
    });
  }
  (void)unlinkat(parent, fresh.c_str(), 0);
  return outcome;
}

Result<void> Placing::write(int file, const sys::TarEntry& entry, sys::TarReader& archive) {
  BERTH_TRY(sys::write_contents(file, entry, archive));
  uint64_t stored = entry.sparse ? 0 : entry.size;
  for (const sys::SparsePart& part : entry.parts) stored += part.length;
  report_.bytes += stored;
  BERTH_TRY(dress(file, entry));
  return set_time(file, entry.mtime);
}

/// Owner before mode, both before attributes: chown(2) clears set-id bits and capabilities.
Result<void> Placing::dress(int file, const sys::TarEntry& entry) {
  if (owners_)
    BERTH_TRY(check(fchown(file, static_cast<uid_t>(entry.uid), static_cast<gid_t>(entry.gid)),
                    "fchown"));
  BERTH_TRY(check(fchmod(file, mode_of(entry)), "fchmod"));
  return set_attributes(file, entry);
}

Result<void> Placing::set_attributes(int file, const sys::TarEntry& entry) {
  for (const auto& [name, value] : entry.xattrs) {
    const bool wanted = !sys::is_reserved_xattr(name) && (privileges_ || name.starts_with("user."));
    if (wanted && sys::set_xattr(file, name, value)) continue;
    ++report_.attributes;
  }
  return {};
}

Result<void> Placing::set_time(int handle, const timespec& mtime) {
  const timespec times[2] = {mtime, mtime};
  // By way of the descriptor: a handle of a folder may be one of O_PATH.
  return check(utimensat(descriptors_, std::to_string(handle).c_str(), times, 0), "utimensat");
}

Result<void> Placing::symlink(int parent, const std::string& name, const sys::TarEntry& entry) {
  if (entry.link.empty()) return refusal_.refuse("BAD_TAR", "a symbolic link leads nowhere");
  return put(parent, name, [&](const std::string& as) -> Result<void> {
    BERTH_TRY(check(symlinkat(entry.link.c_str(), parent, as.c_str()), "symlinkat"));
    if (owners_)
      BERTH_TRY(check(fchownat(parent, as.c_str(), static_cast<uid_t>(entry.uid),
                               static_cast<gid_t>(entry.gid), AT_SYMLINK_NOFOLLOW),
                      "fchownat"));
    const timespec times[2] = {entry.mtime, entry.mtime};
    return check(utimensat(parent, as.c_str(), times, AT_SYMLINK_NOFOLLOW), "utimensat");
  });
}

Result<void> Placing::fifo(int parent, const std::string& name, const sys::TarEntry& entry) {
  return put(parent, name, [&](const std::string& as) -> Result<void> {
    BERTH_TRY(check(mknodat(parent, as.c_str(), S_IFIFO | (entry.mode & 0777), 0), "mknodat"));
    if (owners_)
      BERTH_TRY(check(fchownat(parent, as.c_str(), static_cast<uid_t>(entry.uid),
                               static_cast<gid_t>(entry.gid), AT_SYMLINK_NOFOLLOW),
                      "fchownat"));
    const timespec times[2] = {entry.mtime, entry.mtime};
    return check(utimensat(parent, as.c_str(), times, AT_SYMLINK_NOFOLLOW), "utimensat");
  });
}

Result<void> Placing::link(int parent, const std::string& name, int folder,
                           const std::string& target) {
  struct stat status;
  if (target.empty() || fstatat(folder, target.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 ||
      S_ISDIR(status.st_mode))
    return refusal_.refuse("BAD_TAR", "its hard link's target is not there");
  return put(parent, name, [&](const std::string& as) {
    return check(linkat(folder, target.c_str(), parent, as.c_str(), 0), "linkat");
  });
}

}  // namespace berth::copy
