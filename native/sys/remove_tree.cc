#include "sys/remove_tree.h"

#include <dirent.h>
#include <sys/stat.h>

#include <cstring>

#include "sys/directory_entry.h"
#include "sys/fd.h"
#include "sys/kernel.h"
#include "sys/text.h"

namespace berth::sys {
namespace {

constexpr int kDeepest = 64;
constexpr unsigned kRenameNoreplace = 1;

/// The directory whose removal was asked for, and how many deep ones were moved up into it.
struct Top {
  int directory = -1;
  unsigned moved = 0;
};

Result<void> remove_at(int parent, const char* name, int depth, Top& top);

Result<void> move_up(int parent, const char* name, Top& top) {
  for (;;) {
    const Text<40> fresh(".berth-removing-", top.moved++);
    if (syscall(SYS_renameat2, parent, name, top.directory, fresh.c_str(), kRenameNoreplace) == 0)
      return {};
    if (errno == ENOENT) return {};
    if (errno != EEXIST) return last_error("renameat2");
  }
}

Result<void> empty_directory(int directory, int depth, Top& top) {
  alignas(DirectoryEntry) char buffer[4096];
  bool removed_any = true;
  // Removing while reading may hide entries from the walk (readdir(3)), so it is read until nothing is left.
  while (removed_any) {
    removed_any = false;
    if (lseek(directory, 0, SEEK_SET) < 0) return last_error("lseek");
    for (;;) {
      const long length = syscall(SYS_getdents64, directory, buffer, sizeof buffer);
      // Another has removed the directory meanwhile.
      if (length < 0 && errno == ENOENT) return {};
      if (length < 0) return last_error("getdents64");
      if (length == 0) break;
      for (long at = 0; at < length;) {
        const auto* entry = reinterpret_cast<const DirectoryEntry*>(buffer + at);
        at += entry->length;
        if (strcmp(entry->name, ".") == 0 || strcmp(entry->name, "..") == 0) continue;
        if (entry->type != DT_DIR && entry->type != DT_UNKNOWN) {
          if (unlinkat(directory, entry->name, 0) != 0 && errno != ENOENT)
            return last_error("unlinkat");
        } else {
          BERTH_TRY(remove_at(directory, entry->name, depth + 1, top));
        }
        removed_any = true;
      }
    }
  }
  return {};
}

Result<void> remove_at(int parent, const char* name, int depth, Top& top) {
  if (unlinkat(parent, name, 0) == 0 || errno == ENOENT) return {};
  if (errno != EISDIR && errno != EPERM) return last_error("unlinkat");
  if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT) return {};
  if (errno != ENOTEMPTY && errno != EEXIST) return last_error("unlinkat");
  // The way to the tree is the caller's; from there on nothing leads out of it.
  const uint64_t inside =
      kernel::kResolveBeneath | kernel::kResolveNoSymlinks | kernel::kResolveNoXdev;
  const kernel::OpenHow how = {O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW, 0,
                               depth == 0 ? 0 : inside};
  if (depth > kDeepest) return move_up(parent, name, top);
  const Fd directory(static_cast<int>(kernel::openat2(parent, name, how)));
  // Several may remove one tree at once.
  if (!directory && errno == ENOENT) return {};
  if (!directory) return last_error("openat2");
  if (depth == 0) top.directory = directory.get();
  BERTH_TRY(empty_directory(directory.get(), depth, top));
  if (unlinkat(parent, name, AT_REMOVEDIR) != 0 && errno != ENOENT) return last_error("unlinkat");
  return {};
}

}  // namespace

Result<void> remove_tree(int parent, const char* name) {
  Top top;
  return remove_at(parent, name, 0, top);
}

}  // namespace berth::sys
