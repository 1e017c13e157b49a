#include "sys/remove_tree.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstring>

#include "sys/kernel.h"
#include "sys/text.h"

namespace berth::sys {
namespace {

constexpr int kDeepest = 32;

/// struct linux_dirent64 (getdents64(2))
struct DirectoryEntry {
  uint64_t inode;
  int64_t offset;
  uint16_t length;
  uint8_t type;
  char name[];
};

struct Remover {
  int top;
  unsigned moved = 0;

  /// By getdents64(2) and not readdir(3), which would bring an allocator into berth-init.
  Result<void> empty(const Fd& directory, int depth) {
    alignas(DirectoryEntry) char buffer[2048];
    for (;;) {
      const long length = syscall(SYS_getdents64, directory.get(), buffer, sizeof buffer);
      if (length < 0) return last_error("getdents64");
      if (length == 0) return {};
      for (long at = 0; at < length;) {
        const auto* entry = reinterpret_cast<const DirectoryEntry*>(buffer + at);
        at += entry->length;
        if (strcmp(entry->name, ".") == 0 || strcmp(entry->name, "..") == 0) continue;
        BERTH_TRY(remove(directory.get(), entry->name, depth));
      }
    }
  }

  Result<void> remove(int directory, const char* name, int depth) {
    if (unlinkat(directory, name, 0) == 0 || errno == ENOENT) return {};
    if (errno != EISDIR && errno != EPERM) return last_error("unlinkat");
    if (depth >= kDeepest) return move_up(directory, name);
    const kernel::OpenHow how{
        O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0,
        kernel::kResolveBeneath | kernel::kResolveNoSymlinks | kernel::kResolveNoXdev};
    BERTH_ASSIGN(const Fd child, adopt(kernel::openat2(directory, name, how), "openat2"));
    BERTH_TRY(empty(child, depth + 1));
    if (unlinkat(directory, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
      return last_error("unlinkat");
    return {};
  }

  Result<void> move_up(int directory, const char* name) {
    for (;;) {
      const Text<40> fresh(".berth-removing-", moved++);
      if (syscall(SYS_renameat2, directory, name, top, fresh.c_str(), 1 /* RENAME_NOREPLACE */) == 0)
        return {};
      if (errno != EEXIST) return last_error("renameat2");
    }
  }
};

}  // namespace

Result<void> remove_tree(int directory, const char* name) {
  if (unlinkat(directory, name, 0) == 0 || errno == ENOENT) return {};
  if (errno != EISDIR && errno != EPERM) return last_error("unlinkat");
  const kernel::OpenHow how{O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0,
                            kernel::kResolveNoMagiclinks};
  for (;;) {
    BERTH_ASSIGN(Fd tree, adopt(kernel::openat2(directory, name, how), "openat2"));
    Remover remover{tree.get()};
    // Two passes share no offset: a second descriptor is read while the first stays as the target
    // of moves.
    BERTH_ASSIGN(const Fd reading, adopt(kernel::openat2(tree.get(), ".", how), "openat2"));
    BERTH_TRY(remover.empty(reading, 0));
    if (unlinkat(directory, name, AT_REMOVEDIR) == 0 || errno == ENOENT) return {};
    // What was moved up may have landed behind the place already read.
    if (errno != ENOTEMPTY || remover.moved == 0) return last_error("unlinkat");
  }
}

}  // namespace berth::sys
