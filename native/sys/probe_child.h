// A child process for a moment: what a probe must not do to its own process, it does there.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/kernel.h"
#include "sys/result.h"

namespace berth::sys {

/// Runs `attempt` in a child made with the clone3 flags `flags` and gives back the errno that it returned, 0 for success.
/// The child is a copy of the calling thread alone, so `attempt` makes system calls and nothing else: no lock of the parent
/// will ever be released there. It has no exit signal: the parent's own children are not disturbed.
template <typename F>
Error try_in_child(const char* call, uint64_t flags, F&& attempt, int cgroup = -1) {
  kernel::CloneArgs arguments{};
  arguments.flags = flags;
  if (cgroup >= 0) arguments.cgroup = static_cast<uint64_t>(cgroup);
  const long pid = kernel::clone3(&arguments);
  if (pid < 0) return last_error(call);
  if (pid == 0) {
    const int number = attempt();
    syscall(SYS_exit_group, number);
    __builtin_unreachable();
  }
  int status = 0;
  if (retry_interrupted([&] { return waitpid(static_cast<pid_t>(pid), &status, __WALL); }) < 0) {
    return last_error("waitpid");
  }
  return Error{WIFEXITED(status) ? WEXITSTATUS(status) : EIO, call};
}

}  // namespace berth::sys
