#include "init/copy_up.h"

#include <limits.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include <cstdint>
#include <cstring>

#include "sys/directory_entry.h"
#include "sys/fd.h"

namespace berth::init {
namespace {

using sys::Fd;
using sys::Result;

constexpr int kDeepest = 64;

/// Owner, mode and times of an entry, in this order: a change of the owner takes setuid bits away.
Result<void> take_attributes(int folder, const char* name, const struct stat& status) {
  if (fchownat(folder, name, status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW) != 0)
    return sys::last_error("fchownat");
  if (!S_ISLNK(status.st_mode) && fchmodat(folder, name, status.st_mode & 07777, 0) != 0)
    return sys::last_error("fchmodat");
  const timespec times[2] = {status.st_atim, status.st_mtim};
  if (utimensat(folder, name, times, AT_SYMLINK_NOFOLLOW) != 0) return sys::last_error("utimensat");
  return {};
}

/// After the owner, whose change takes file capabilities away. Labels of SELinux are the place's own; a file system without attributes has none to give
/// or to take.
Result<void> copy_attributes(int from, int to) {
  char names[4096], value[4096];
  const ssize_t length = flistxattr(from, names, sizeof names);
  if (length < 0) return errno == ENOTSUP ? Result<void>() : sys::last_error("flistxattr");
  for (const char* name = names; name < names + length; name += strlen(name) + 1) {
    if (strcmp(name, "security.selinux") == 0) continue;
    const ssize_t size = fgetxattr(from, name, value, sizeof value);
    if (size < 0) return sys::last_error("fgetxattr");
    if (fsetxattr(to, name, value, static_cast<size_t>(size), 0) != 0 && errno != ENOTSUP)
      return sys::last_error("fsetxattr");
  }
  return {};
}

Result<void> copy_file(int from, int to, const char* name, const struct stat& status) {
  BERTH_ASSIGN(
      const Fd source,
      sys::adopt(openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), "openat"));
  BERTH_ASSIGN(
      const Fd copy,
      sys::adopt(openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600),
                 "openat"));
  constexpr size_t kPart = 1 << 20;
  for (;;) {
    const ssize_t part = sendfile(copy.get(), source.get(), nullptr, kPart);
    if (part < 0) return sys::last_error("sendfile");
    if (part == 0) break;
  }
  BERTH_TRY(take_attributes(to, name, status));
  return copy_attributes(source.get(), copy.get());
}

Result<void> copy_folder(int from, int to, int depth);

Result<void> copy_entry(int from, int to, const char* name, int depth) {
  struct stat status;
  if (fstatat(from, name, &status, AT_SYMLINK_NOFOLLOW) != 0) return sys::last_error("fstatat");
  if (S_ISDIR(status.st_mode)) {
    if (mkdirat(to, name, 0700) != 0) return sys::last_error("mkdirat");
    constexpr int kFolder = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    BERTH_ASSIGN(const Fd source, sys::adopt(openat(from, name, kFolder), "openat"));
    BERTH_ASSIGN(const Fd copy, sys::adopt(openat(to, name, kFolder), "openat"));
    BERTH_TRY(copy_folder(source.get(), copy.get(), depth + 1));
    BERTH_TRY(take_attributes(to, name, status));
    return copy_attributes(source.get(), copy.get());
  }
  if (S_ISREG(status.st_mode)) return copy_file(from, to, name, status);
  if (S_ISLNK(status.st_mode)) {
    char target[PATH_MAX];
    const ssize_t length = readlinkat(from, name, target, sizeof target - 1);
    if (length < 0) return sys::last_error("readlinkat");
    target[length] = '\0';
    if (symlinkat(target, to, name) != 0) return sys::last_error("symlinkat");
  } else {
    // A device of an image's is of no use to anybody, and none is made where a host's disk would hold it.
    if (!S_ISFIFO(status.st_mode) && !S_ISSOCK(status.st_mode)) return {};
    if (mknodat(to, name, status.st_mode & S_IFMT, 0) != 0) return sys::last_error("mknodat");
  }
  return take_attributes(to, name, status);
}

Result<void> copy_folder(int from, int to, int depth) {
  if (depth > kDeepest) return sys::Error{ELOOP, "openat"};
  alignas(sys::DirectoryEntry) char entries[2048];
  for (;;) {
    const long length = syscall(SYS_getdents64, from, entries, sizeof entries);
    if (length < 0) return sys::last_error("getdents64");
    if (length == 0) return {};
    for (long at = 0; at < length;) {
      const auto* entry = reinterpret_cast<const sys::DirectoryEntry*>(entries + at);
      const char* name = entry->name;
      if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
        BERTH_TRY(copy_entry(from, to, name, depth));
      at += entry->length;
    }
  }
}

}  // namespace

Result<void> copy_up(int from, int to) {
  constexpr int kFolder = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  BERTH_ASSIGN(const Fd source, sys::adopt(openat(from, ".", kFolder), "openat"));
  BERTH_ASSIGN(const Fd copy, sys::adopt(openat(to, ".", kFolder), "openat"));
  BERTH_TRY(copy_folder(source.get(), copy.get(), 0));
  return {};
}

}  // namespace berth::init
