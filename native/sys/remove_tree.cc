#include "sys/remove_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cstdio>
#include <cstring>

#include "sys/kernel.h"

namespace berth::sys {
namespace {

constexpr int kDeepest = 32;

struct Remover {
  int top;
  unsigned moved = 0;

  Result<void> empty(Fd directory, int depth) {
    const int handle = directory.get();
    DIR* stream = fdopendir(directory.release());
    if (stream == nullptr) return last_error("fdopendir");
    const auto outcome = empty_stream(handle, stream, depth);
    closedir(stream);
    return outcome;
  }

  Result<void> empty_stream(int directory, DIR* stream, int depth) {
    for (;;) {
      errno = 0;
      const dirent* entry = readdir(stream);
      if (entry == nullptr) {
        if (errno != 0) return last_error("readdir");
        return {};
      }
      if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
      BERTH_TRY(remove(directory, entry->d_name, depth));
    }
  }

  Result<void> remove(int directory, const char* name, int depth) {
    if (unlinkat(directory, name, 0) == 0 || errno == ENOENT) return {};
    if (errno != EISDIR && errno != EPERM) return last_error("unlinkat");
    if (depth >= kDeepest) return move_up(directory, name);
    const kernel::OpenHow how{
        O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0,
        kernel::kResolveBeneath | kernel::kResolveNoSymlinks | kernel::kResolveNoXdev};
    BERTH_ASSIGN(Fd child, adopt(kernel::openat2(directory, name, how), "openat2"));
    BERTH_TRY(empty(std::move(child), depth + 1));
    if (unlinkat(directory, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
      return last_error("unlinkat");
    return {};
  }

  Result<void> move_up(int directory, const char* name) {
    for (;;) {
      char fresh[40];
      snprintf(fresh, sizeof fresh, ".berth-removing-%u", moved++);
      if (syscall(SYS_renameat2, directory, name, top, fresh, 1 /* RENAME_NOREPLACE */) == 0)
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
    BERTH_ASSIGN(Fd reading, adopt(kernel::openat2(tree.get(), ".", how), "openat2"));
    BERTH_TRY(remover.empty(std::move(reading), 0));
    if (unlinkat(directory, name, AT_REMOVEDIR) == 0 || errno == ENOENT) return {};
    // What was moved up may have landed behind the place already read.
    if (errno != ENOTEMPTY || remover.moved == 0) return last_error("unlinkat");
  }
}

}  // namespace berth::sys
