#include "sys/disk_usage.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <vector>

#include "sys/directory_names.h"
#include "sys/fd.h"

namespace berth::sys {
namespace {

constexpr uint64_t kBlock = 512;  // of st_blocks, whatever the file system's own (stat(3type))

/// A directory on the way down, and which of those in it are still to be entered.
struct Level {
  dev_t device;
  ino_t inode;
  std::vector<std::string> folders;
};

bool is_gone(int number) { return number == ENOENT || number == ENOTDIR || number == ELOOP; }

}  // namespace

Result<uint64_t> DiskUsage::add(const std::string& path) {
  uint64_t blocks = 0;
  const auto count = [&](const struct stat& status) {
    const bool several = !S_ISDIR(status.st_mode) && status.st_nlink > 1;
    if (several && !linked_.insert({status.st_dev, status.st_ino}).second) return;
    blocks += static_cast<uint64_t>(status.st_blocks);
  };
  struct stat top;
  if (lstat(path.c_str(), &top) != 0)
    return is_gone(errno) ? Result<uint64_t>(uint64_t{0}) : last_error("lstat");
  count(top);
  if (!S_ISDIR(top.st_mode)) return blocks * kBlock;

  // One descriptor however deep it goes: up again is by `..`, which has to be where it was come from.
  std::vector<Level> levels;
  constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  Fd here(open(path.c_str(), kFlags));
  if (!here) return is_gone(errno) ? Result<uint64_t>(uint64_t{0}) : last_error("open");
  const auto enter = [&]() -> Result<void> {
    struct stat status;
    if (fstat(here.get(), &status) != 0) return last_error("fstat");
    levels.push_back({status.st_dev, status.st_ino, {}});
    BERTH_ASSIGN(const std::vector<std::string> names, directory_names(here.get()));
    for (const std::string& name : names) {
      if (fstatat(here.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
        if (is_gone(errno)) continue;
        return last_error("fstatat");
      }
      if (status.st_dev != top.st_dev) continue;
      count(status);
      if (S_ISDIR(status.st_mode)) levels.back().folders.push_back(name);
    }
    return {};
  };
  BERTH_TRY(enter());
  while (!levels.empty()) {
    if (!levels.back().folders.empty()) {
      const std::string name = std::move(levels.back().folders.back());
      levels.back().folders.pop_back();
      Fd below(openat(here.get(), name.c_str(), kFlags));
      if (!below && is_gone(errno)) continue;
      if (!below) return last_error("openat");
      here = std::move(below);
      BERTH_TRY(enter());
      continue;
    }
    levels.pop_back();
    if (levels.empty()) break;
    Fd above(openat(here.get(), "..", kFlags));
    struct stat status;
    const bool back = above && fstat(above.get(), &status) == 0 &&
                      status.st_dev == levels.back().device && status.st_ino == levels.back().inode;
    // It was moved meanwhile: the rest of the tree cannot be found from here.
    if (!back) break;
    here = std::move(above);
  }
  return blocks * kBlock;
}

}  // namespace berth::sys
