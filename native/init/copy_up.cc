#include "init/copy_up.h"

#include <limits.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cstdint>
#include <cstring>

#include "sys/fd.h"

namespace berth::init {
namespace {

using sys::Fd;
using sys::Result;

constexpr int kDeepest = 64;

struct DirectoryEntry {  // getdents64(2)
  uint64_t inode;
  int64_t offset;
  uint16_t length;
  uint8_t type;
  char name[1];
};

Result<void> own(int folder, const char* name, const struct stat& status) {
  if (fchownat(folder, name, status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW) != 0)
    return sys::last_error("fchownat");
  // After the owner, whose change takes setuid bits away.
  if (!S_ISLNK(status.st_mode) && fchmodat(folder, name, status.st_mode & 07777, 0) != 0)
    return sys::last_error("fchmodat");
  return {};
}

Result<void> copy_file(int from, int to, const char* name) {
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
    if (part == 0) return {};
  }
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
  } else if (S_ISREG(status.st_mode)) {
    BERTH_TRY(copy_file(from, to, name));
  } else if (S_ISLNK(status.st_mode)) {
    char target[PATH_MAX];
    const ssize_t length = readlinkat(from, name, target, sizeof target - 1);
    if (length < 0) return sys::last_error("readlinkat");
    target[length] = '\0';
    if (symlinkat(target, to, name) != 0) return sys::last_error("symlinkat");
  } else {
    return {};
  }
  return own(to, name, status);
}

Result<void> copy_folder(int from, int to, int depth) {
  if (depth > kDeepest) return sys::Error{ELOOP, "openat"};
  alignas(DirectoryEntry) char entries[2048];
  for (;;) {
    const long length = syscall(SYS_getdents64, from, entries, sizeof entries);
    if (length < 0) return sys::last_error("getdents64");
    if (length == 0) return {};
    for (long at = 0; at < length;) {
      const auto* entry = reinterpret_cast<const DirectoryEntry*>(entries + at);
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
