#include "init/volume_content.h"

#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cstdint>
#include <cstdio>  // renameat
#include <cstring>

#include "init/copy_up.h"
#include "sys/directory_entry.h"
#include "sys/fd.h"
#include "sys/remove_tree.h"

namespace berth::init {
namespace {

using sys::Fd;
using sys::Result;

// Beside `data`: a copy that is being made, and one that is whole and on its way into `data`.
constexpr const char* kFresh = "fresh";
constexpr const char* kWhole = "whole";

constexpr unsigned kNoReplace = 1;  // RENAME_NOREPLACE, which musl does not name (renameat2(2))

Result<Fd> open_folder(int parent, const char* name) {
  return sys::adopt(openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
                    "openat");
}

/// Calls `visit(name)` for each entry; it may stop with an error.
template <typename Visit>
Result<void> each_entry(int folder, Visit&& visit) {
  alignas(sys::DirectoryEntry) char entries[2048];
  for (;;) {
    const long length = syscall(SYS_getdents64, folder, entries, sizeof entries);
    if (length < 0) return sys::last_error("getdents64");
    if (length == 0) return {};
    for (long at = 0; at < length;) {
      const auto* entry = reinterpret_cast<const sys::DirectoryEntry*>(entries + at);
      at += entry->length;
      if (strcmp(entry->name, ".") == 0 || strcmp(entry->name, "..") == 0) continue;
      BERTH_TRY(visit(entry->name));
    }
  }
}

Result<bool> is_empty(int folder) {
  bool empty = true;
  BERTH_TRY(each_entry(folder, [&](const char*) -> Result<void> {
    empty = false;
    return {};
  }));
  return empty;
}

/// Entry by entry, because containers may have `data` before their eyes already. Each is there or not; what the next one finds left he goes on with. What a
/// container has made there meanwhile is its own, and stays.
Result<void> move_into_place(int volume, int data) {
  auto whole = open_folder(volume, kWhole);
  if (!whole) return whole.error().number == ENOENT ? Result<void>() : whole.error();
  BERTH_TRY(each_entry(whole->get(), [&](const char* name) -> Result<void> {
    if (syscall(SYS_renameat2, whole->get(), name, data, name, kNoReplace) != 0 &&
        errno != ENOENT && errno != EEXIST)
      return sys::last_error("renameat2");
    return {};
  }));
  return sys::remove_tree(volume, kWhole);
}

Result<void> take_attributes(int data, const struct stat& status) {
  if (fchown(data, status.st_uid, status.st_gid) != 0) return sys::last_error("fchown");
  if (fchmod(data, status.st_mode & 07777) != 0) return sys::last_error("fchmod");
  return {};
}

}  // namespace

Result<void> fill_volume(int volume, int from) {
  BERTH_ASSIGN(const Fd folder, open_folder(volume, "."));
  if (sys::retry_interrupted([&] { return flock(folder.get(), LOCK_EX); }) != 0)
    return sys::last_error("flock");
  BERTH_ASSIGN(const Fd data, open_folder(volume, "data"));
  BERTH_TRY(move_into_place(volume, data.get()));
  BERTH_ASSIGN(const bool empty, is_empty(data.get()));
  if (!empty) return {};
  struct stat status;
  if (fstat(from, &status) != 0) return sys::last_error("fstat");
  BERTH_TRY(take_attributes(data.get(), status));
  BERTH_TRY(sys::remove_tree(volume, kFresh));
  if (mkdirat(volume, kFresh, 0700) != 0) return sys::last_error("mkdirat");
  BERTH_ASSIGN(const Fd fresh, open_folder(volume, kFresh));
  BERTH_TRY(copy_up(from, fresh.get()));
  BERTH_ASSIGN(const bool nothing, is_empty(fresh.get()));
  if (nothing) return sys::remove_tree(volume, kFresh);
  // A crash of the host must not leave files whose names are there and whose content is not.
  if (syncfs(fresh.get()) != 0) return sys::last_error("syncfs");
  if (renameat(volume, kFresh, volume, kWhole) != 0) return sys::last_error("renameat");
  return move_into_place(volume, data.get());
}

}  // namespace berth::init
