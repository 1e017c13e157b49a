#include "metadata/residents.h"

#include <dirent.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>

#include "sys/kernel.h"

namespace berth::metadata {

sys::Result<bool> Residents::look() {
  process_.reset();
  const std::unique_ptr<DIR, int (*)(DIR*)> proc(opendir("/proc"), closedir);
  if (proc == nullptr) return sys::last_error("opendir");
  // In the order of their ids (proc(5)): the oldest are the least likely to end soon.
  while (const dirent* entry = readdir(proc.get())) {
    const pid_t pid = static_cast<pid_t>(strtol(entry->d_name, nullptr, 10));
    if (pid <= 0 || pid == getpid()) continue;
    sys::Fd process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    if (!process && errno != ESRCH) return sys::last_error("pidfd_open");
    if (!process) continue;
    // One that has ended and waits for its parent is gone as far as the pod is concerned.
    pollfd ended = {process.get(), POLLIN, 0};
    if (poll(&ended, 1, 0) != 0) continue;
    process_ = std::move(process);
    return true;
  }
  return false;
}

}  // namespace berth::metadata
