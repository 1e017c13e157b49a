#include "init/joining.h"

#include <sched.h>
#include <signal.h>
#include <sys/stat.h>

#include "init/birth.h"
#include "sys/kernel.h"
#include "sys/text.h"

namespace berth::init {

using sys::Result;
using namespace sys::kernel;

namespace {

struct Kind {
  const char* name;  // below /proc/PID/ns
  uint64_t flag;
};
constexpr Kind kKinds[] = {{"user", kCloneNewUser},     {"mnt", kCloneNewNs},
                           {"net", kCloneNewNet},       {"ipc", kCloneNewIpc},
                           {"uts", kCloneNewUts},       {"pid", kCloneNewPid},
                           {"cgroup", kCloneNewCgroup}, {"time", kCloneNewTime}};

}  // namespace

Result<uint64_t> foreign_namespaces(int pidfd) {
  BERTH_ASSIGN(const pid_t pid, host_pid_of(pidfd));
  uint64_t flags = 0;
  for (const Kind& kind : kKinds) {
    struct stat own, other;
    if (stat(sys::Text<48>("/proc/self/ns/", kind.name).c_str(), &own) != 0) {
      // A kernel without that kind of namespace (CONFIG_TIME_NS).
      if (errno == ENOENT) continue;
      return sys::last_error("stat");
    }
    if (stat(sys::Text<48>("/proc/", pid, "/ns/", kind.name).c_str(), &other) != 0)
      return sys::Error{errno == ENOENT ? ESRCH : errno, "stat"};
    if (own.st_ino != other.st_ino || own.st_dev != other.st_dev) flags |= kind.flag;
  }
  // Alive until now, so that the pid was its own all the while.
  if (pidfd_send_signal(pidfd, 0) != 0) return sys::last_error("pidfd_send_signal");
  return flags;
}

Result<long> clone_beside(int task, uint64_t namespaces, int cgroup, int* pidfd) {
  // For the children of this process, not for itself (setns(2)).
  if ((namespaces & kCloneNewPid) != 0 && setns(task, CLONE_NEWPID) != 0)
    return sys::last_error("setns");
  CloneArgs args = {};
  args.flags = kClonePidfd;
  args.pidfd = reinterpret_cast<uint64_t>(pidfd);
  args.exit_signal = SIGCHLD;
  if (cgroup >= 0) {
    args.flags |= kCloneIntoCgroup;
    args.cgroup = static_cast<uint64_t>(cgroup);
  }
  const long pid = clone3(&args);
  // A pid namespace whose first process has ended takes no new ones (pid_namespaces(7)).
  if (pid < 0) return sys::Error{errno == ENOMEM ? ESRCH : errno, "clone3"};
  return pid;
}

}  // namespace berth::init
