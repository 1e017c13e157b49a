#include "sys/remove_tree.h"

#include <dirent.h>
#include <sys/stat.h>

#include <cstring>

#include "sys/fd.h"
#include "sys/kernel.h"

namespace berth::sys {
namespace {

struct DirentHeader {  // getdents64(2)
  uint64_t inode;
  int64_t offset;
  uint16_t length;
  uint8_t type;
  char name[];
};

constexpr int kDeepest = 4096;

Result<void> remove_at(int parent, const char* name, int depth);

Result<void> empty_directory(int directory, int depth) {
  if (depth > kDeepest) return Error{ELOOP, "openat2"};
  alignas(DirentHeader) char buffer[4096];
  bool removed_any = true;
  // Removing while reading may hide entries from the walk (readdir(3)), so it is read until nothing is left.
  while (removed_any) {
    removed_any = false;
    if (lseek(directory, 0, SEEK_SET) < 0) return last_error("lseek");
    for (;;) {
      const long length = syscall(SYS_getdents64, directory, buffer, sizeof buffer);
      if (length < 0) return last_error("getdents64");
      if (length == 0) break;
      for (long at = 0; at < length;) {
        const auto* entry = reinterpret_cast<const DirentHeader*>(buffer + at);
        at += entry->length;
        if (strcmp(entry->name, ".") == 0 || strcmp(entry->name, "..") == 0) continue;
        if (entry->type != DT_DIR && entry->type != DT_UNKNOWN) {
          if (unlinkat(directory, entry->name, 0) != 0 && errno != ENOENT) return last_error("unlinkat");
        } else {
          BERTH_TRY(remove_at(directory, entry->name, depth + 1));
        }
        removed_any = true;
      }
    }
  }
  return {};
}

Result<void> remove_at(int parent, const char* name, int depth) {
  if (unlinkat(parent, name, 0) == 0 || errno == ENOENT) return {};
  if (errno != EISDIR && errno != EPERM) return last_error("unlinkat");
  if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT) return {};
  if (errno != ENOTEMPTY && errno != EEXIST) return last_error("unlinkat");
  const kernel::OpenHow how = {O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW, 0,
                               kernel::kResolveBeneath | kernel::kResolveNoSymlinks | kernel::kResolveNoXdev};
  BERTH_ASSIGN(const Fd directory, adopt(kernel::openat2(parent, name, how), "openat2"));
  BERTH_TRY(empty_directory(directory.get(), depth));
  if (unlinkat(parent, name, AT_REMOVEDIR) != 0 && errno != ENOENT) return last_error("unlinkat");
  return {};
}

}  // namespace

Result<void> remove_tree(int parent, const char* name) { return remove_at(parent, name, 0); }

}  // namespace berth::sys
