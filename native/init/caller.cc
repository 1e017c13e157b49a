#include "init/caller.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "init/birth.h"
#include "init/root_tree.h"
#include "sys/kernel.h"

namespace berth::init {

using launch::HandoverReport;
using launch::Plan;
using sys::Result;

void share_pipes(const Plan& plan) {
  if (plan.handover.terminal) return;
  for (int number = 0; number < 3; ++number) {
    struct stat status;
    if (fstat(number, &status) != 0 || !S_ISFIFO(status.st_mode)) continue;
    // A pipe of another user namespace cannot be given away, and works all the same.
    (void)!fchown(number, outside_id(plan.uids, plan.process.uid),
                  outside_id(plan.gids, plan.process.gid));
  }
}

Result<void> limit_from_outside(const Plan& plan, pid_t host_pid, Progress& progress) {
  progress.at("limits");
  const bool own_users = (plan.namespaces & sys::kernel::kCloneNewUser) != 0;
  for (const auto& each : plan.process.limits) {
    if (!own_users) break;  // it has set them itself, while it could
    const rlimit value = {each.soft, each.hard};
    if (syscall(SYS_prlimit64, host_pid, each.resource, &value, nullptr) != 0)
      return sys::last_error("prlimit");
  }
  return adjust_oom_score(plan, host_pid, progress);
}

Result<void> tell(const HandoverReport& report) {
  if (send(launch::kLeashFd, &report, sizeof report, MSG_NOSIGNAL) != sizeof report)
    return sys::last_error("send");
  return {};
}

}  // namespace berth::init
