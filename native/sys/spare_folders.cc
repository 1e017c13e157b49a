#include "sys/spare_folders.h"

#include <dirent.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include <cstring>

#include "sys/defence.h"
#include "sys/directory_entry.h"
#include "sys/fd.h"
#include "sys/text.h"

namespace berth::sys {
namespace {

constexpr unsigned kRenameNoreplace = 1;
constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
/// Few: as many containers may be launched in one moment.
constexpr int kMostSpare = 8;

/// Calls `visit(name)` for each entry until it says that this is enough.
template <typename Visit>
void each_name(int directory, Visit&& visit) {
  alignas(DirectoryEntry) char buffer[1024];
  for (;;) {
    const long length = syscall(SYS_getdents64, directory, buffer, sizeof buffer);
    if (length <= 0) return;
    for (long at = 0; at < length;) {
      const auto* entry = reinterpret_cast<const DirectoryEntry*>(buffer + at);
      at += entry->length;
      if (strcmp(entry->name, ".") == 0 || strcmp(entry->name, "..") == 0) continue;
      if (visit(entry->name)) return;
    }
  }
}

bool is_empty(int directory) {
  bool empty = true;
  each_name(directory, [&](const char*) {
    empty = false;
    return true;
  });
  return empty;
}

UntouchedFolder look_at(int folder) {
  UntouchedFolder seen;
  struct stat status;
  if (fstat(folder, &status) != 0) return seen;
  constexpr int64_t kBillion = 1000000000;
  seen.mode = status.st_mode;
  seen.uid = status.st_uid;
  seen.gid = status.st_gid;
  seen.changed = int64_t{status.st_ctim.tv_sec} * kBillion + status.st_ctim.tv_nsec;
  constexpr unsigned long kGetFlags = 0x80086601;  // FS_IOC_GETFLAGS
  if (ioctl(folder, static_cast<int>(kGetFlags), &seen.flags) != 0) seen.flags = 0;
  const ssize_t size = flistxattr(folder, seen.names, sizeof seen.names);
  if (size < 0 && errno != ENOTSUP) return seen;
  seen.names_size = size < 0 ? 0 : static_cast<size_t>(size);
  seen.known = true;
  return seen;
}

bool untouched(const UntouchedFolder& before, int folder) {
  if (!holds("untouched-spare")) return true;
  const UntouchedFolder now = look_at(folder);
  return is_empty(folder) && before.known && now.known && before.mode == now.mode &&
         before.uid == now.uid && before.gid == now.gid && before.changed == now.changed &&
         before.flags == now.flags && before.names_size == now.names_size &&
         memcmp(before.names, now.names, now.names_size) == 0;
}

}  // namespace

UntouchedFolder look_at(int directory, const char* name) {
  const Fd folder(openat(directory, name, kDirectory));
  return folder ? look_at(folder.get()) : UntouchedFolder();
}

bool take_spare_folder(int root, const char* path) {
  const Fd spare(openat(root, kSpareFolders, kDirectory));
  if (!spare) return false;
  bool taken = false;
  each_name(spare.get(), [&](const char* name) {
    taken = syscall(SYS_renameat2, spare.get(), name, root, path, kRenameNoreplace) == 0;
    // ENOENT: another was quicker.
    return taken || errno != ENOENT;
  });
  return taken;
}

bool take_spare_folder(int root, const char* path, const char* name) {
  const Fd spare(openat(root, kSpareFolders, kDirectory));
  return spare && syscall(SYS_renameat2, spare.get(), name, root, path, kRenameNoreplace) == 0;
}

bool keep_spare_folder(int root, const char* path, const char* id, const UntouchedFolder& before) {
  if (!before.known) return false;
  const Fd folder(openat(root, path, kDirectory));
  if (!folder) return false;
  const Fd upper(openat(folder.get(), "upper", kDirectory));
  if (!upper || !untouched(before, upper.get())) return false;
  bool plain = true;
  each_name(folder.get(), [&](const char* name) {
    plain = strcmp(name, "upper") == 0 || strcmp(name, "work") == 0;
    return !plain;
  });
  if (!plain) return false;
  Fd spare(openat(root, kSpareFolders, kDirectory));
  if (!spare && errno == ENOENT && mkdirat(root, kSpareFolders, 0700) == 0)
    spare.reset(openat(root, kSpareFolders, kDirectory));
  if (!spare) return false;
  int count = 0;
  each_name(spare.get(), [&](const char*) { return ++count >= kMostSpare; });
  if (count >= kMostSpare) return false;
  return syscall(SYS_renameat2, root, path, spare.get(), id, kRenameNoreplace) == 0;
}

}  // namespace berth::sys
