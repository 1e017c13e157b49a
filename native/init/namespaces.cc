#include "init/namespaces.h"

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include <cstring>

#include "sys/fd.h"
#include "sys/kernel.h"
#include "sys/process.h"

namespace berth::init {

using sys::Fd;
using sys::Result;

Result<void> join_namespaces(const launch::Plan& plan, Progress& progress) {
  for (const auto& joined : plan.joined) {
    progress.at("namespaces", joined.path);
    BERTH_ASSIGN(const Fd file, sys::adopt(open(joined.path, O_RDONLY | O_CLOEXEC), "open"));
    // EINVAL: it is a namespace of another kind, or no namespace.
    if (setns(file.get(), static_cast<int>(joined.type)) != 0) return sys::last_error("setns");
  }
  return {};
}

Result<void> JoinedFiles::open(const launch::Plan& plan, Progress& progress) {
  if (plan.joined.count > kMost) return sys::Error{E2BIG, "open"};
  for (uint32_t i = 0; i < plan.joined.count; ++i) {
    progress.at("join", plan.joined.items[i].path);
    BERTH_ASSIGN(files[i],
                 sys::adopt(::open(plan.joined.items[i].path, O_RDONLY | O_CLOEXEC), "open"));
  }
  if (plan.peers.count == 0) return {};
  BERTH_ASSIGN(const Fd proc,
               sys::adopt(::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC), "open"));
  for (const auto& peer : plan.peers) {
    BERTH_ASSIGN(const uint64_t started, sys::start_time(proc.get(), static_cast<pid_t>(peer.pid)));
    if (started != peer.started) return sys::Error{ESRCH, "open"};
  }
  return {};
}

int JoinedFiles::of_kind(const launch::Plan& plan, uint64_t type) const {
  for (uint32_t i = 0; i < plan.joined.count; ++i) {
    if (plan.joined.items[i].type == type) return files[i].get();
  }
  return -1;
}

Result<void> JoinedFiles::join(const launch::Plan& plan, uint64_t types, Progress& progress) const {
  for (const bool users_turn : {true, false}) {
    for (uint32_t i = 0; i < plan.joined.count; ++i) {
      const auto& joined = plan.joined.items[i];
      if ((joined.type & types) == 0) continue;
      if ((joined.type == sys::kernel::kCloneNewUser) != users_turn) continue;
      progress.at("join", joined.path);
      if (setns(files[i].get(), static_cast<int>(joined.type)) != 0)
        return sys::last_error("setns");
    }
  }
  return {};
}

bool cloned_within(const launch::Plan& plan) {
  if ((plan.namespaces & sys::kernel::kCloneNewPid) == 0) return false;
  for (const auto& joined : plan.joined) {
    if (joined.type == sys::kernel::kCloneNewUser) return true;
  }
  return false;
}

long clone_within(int users, sys::kernel::CloneArgs args, int* pidfd) {
  struct Answer {
    long pid = -1;
    int pidfd = -1;
    int number = EIO;  // errno
  } answer;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return -1;
  const Fd hear(ends[0]), tell(ends[1]);
  // With this process's table of descriptors, where the pidfd is to be.
  sys::kernel::CloneArgs helper_args = {};
  helper_args.flags = CLONE_FILES;
  helper_args.exit_signal = SIGCHLD;
  const long helper = sys::kernel::clone3(&helper_args);
  if (helper < 0) return helper;
  if (helper == 0) {
    args.flags |= sys::kernel::kCloneParent;
    args.exit_signal = 0;  // is then the helper's
    args.pidfd = reinterpret_cast<uint64_t>(&answer.pidfd);
    if (setns(users, CLONE_NEWUSER) == 0) {
      answer.pid = sys::kernel::clone3(&args);
      if (answer.pid == 0) return 0;
    }
    answer.number = errno;
    (void)!write(tell.get(), &answer, sizeof answer);
    _exit(0);
  }
  const ssize_t length =
      sys::retry_interrupted([&] { return waitpid(static_cast<pid_t>(helper), nullptr, 0); }) < 0
          ? -1
          : read(hear.get(), &answer, sizeof answer);
  if (length != sizeof answer) return -1;
  *pidfd = answer.pidfd;
  errno = answer.number;
  return answer.pid;
}

Result<void> make_time_namespace(const launch::Plan& plan, Progress& progress) {
  if ((plan.namespaces & sys::kernel::kCloneNewTime) == 0) return {};
  progress.at("namespaces", "time");
  if (unshare(static_cast<int>(sys::kernel::kCloneNewTime)) != 0) return sys::last_error("unshare");
  const size_t length = strlen(plan.time_offsets);
  if (length == 0) return {};
  BERTH_ASSIGN(const Fd file,
               sys::adopt(open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC), "open"));
  if (write(file.get(), plan.time_offsets, length) != static_cast<ssize_t>(length))
    return sys::last_error("write");
  return {};
}

}  // namespace berth::init
