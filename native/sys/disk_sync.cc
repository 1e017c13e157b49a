#include "sys/disk_sync.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <span>

#include "sys/fd.h"
#include "sys/kernel.h"

namespace berth::sys {
namespace {

Result<Fd> open_if_there(const std::string& path) {
  auto file = adopt(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC), "open");
  if (!file && file.error().number == ENOENT) return Fd();
  return file;
}

/// A copy of this process without a signal at its end. Only the calling thread is in it, so it may use nothing but system calls (fork(2)).
pid_t copy_process() { return static_cast<pid_t>(syscall(SYS_clone, 0, nullptr, 0, 0, 0)); }

/// Closes every descriptor but these, which are in order.
void close_all_but(std::span<const int> kept) {
  unsigned next = 0;
  for (const int each : kept) {
    const auto number = static_cast<unsigned>(each);
    if (number > next) kernel::close_range(next, number - 1, 0);
    next = number + 1;
  }
  kernel::close_range(next, std::numeric_limits<int>::max(), 0);
}

/// Milliseconds that the caller has to end in. What it still has to write itself would wait behind everything else.
constexpr int kHeadStart = 300;

struct Marking {
  int folder;
  int caller;  // a pidfd
  std::span<const int> files;
  std::span<const int> kept;  // all of these, in order
  mode_t mark;
};

[[noreturn]] void sync_and_mark(const Marking& marking) {
  // Not to end with the caller's session, nor to hold its folder, terminal or pipes.
  setsid();
  const bool away = chdir("/") == 0;
  prctl(PR_SET_NAME, "berth-settle");
  close_all_but(marking.kept);
  pollfd end{marking.caller, POLLIN, 0};
  poll(&end, 1, kHeadStart);
  if (away && syncfs(marking.folder) == 0) {
    for (const int file : marking.files) fchmod(file, marking.mark);
  }
  _exit(0);
}

}  // namespace

Result<void> sync_files(const std::vector<std::string>& paths) {
  std::vector<Fd> files;
  for (const std::string& path : paths) {
    BERTH_ASSIGN(Fd file, open_if_there(path));
    // Only a beginning: what is wrong is told where it is waited for.
    if (file) sync_file_range(file.get(), 0, 0, SYNC_FILE_RANGE_WRITE);
    files.push_back(std::move(file));
  }
  for (const Fd& file : files)
    if (file && fdatasync(file.get()) != 0) return last_error("fdatasync");
  return {};
}

Result<void> mark_once_synced(const std::string& folder, const std::vector<std::string>& files,
                              mode_t mark) {
  BERTH_ASSIGN(const Fd whole,
               adopt(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open"));
  BERTH_ASSIGN(const Fd caller, adopt(kernel::pidfd_open(getpid(), 0), "pidfd_open"));
  std::vector<Fd> open_files;
  std::vector<int> numbers;
  for (const std::string& path : files) {
    if (numbers.size() == kMostMarked) break;
    BERTH_ASSIGN(Fd file, open_if_there(path));
    if (!file) continue;
    numbers.push_back(file.get());
    open_files.push_back(std::move(file));
  }
  if (open_files.empty()) return {};
  std::vector<int> kept{whole.get(), caller.get()};
  kept.insert(kept.end(), numbers.begin(), numbers.end());
  std::sort(kept.begin(), kept.end());
  // By way of one that ends at once, so that nobody has to wait for the other.
  const pid_t between = copy_process();
  if (between < 0) return last_error("clone");
  if (between == 0) {
    const pid_t last = copy_process();
    if (last == 0) sync_and_mark({whole.get(), caller.get(), numbers, kept, mark});
    _exit(last < 0 ? errno : 0);
  }
  int status = 0;
  if (retry_interrupted([&] { return waitpid(between, &status, __WALL); }) < 0)
    return last_error("waitpid");
  if (!WIFEXITED(status)) return Error{ECHILD, "clone"};
  if (WEXITSTATUS(status) != 0) return Error{WEXITSTATUS(status), "clone"};
  return {};
}

}  // namespace berth::sys
