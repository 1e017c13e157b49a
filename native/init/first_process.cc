#include "init/first_process.h"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>

#include "init/console.h"
#include "init/created.h"
#include "init/handed_program.h"
#include "init/network.h"
#include "init/own_view.h"
#include "launch/handover.h"
#include "sys/defence.h"
#include "sys/fd.h"
#include "sys/kernel.h"
#include "sys/text.h"

namespace berth::init {
namespace {

using launch::Plan;
using sys::Result;

Result<void> check(int outcome, const char* call) {
  if (outcome != 0) return sys::last_error(call);
  return {};
}

Result<void> wait_for_tree(const FirstProcess& ends) {
  char byte = 0;
  const ssize_t length = sys::retry_interrupted([&] { return read(ends.go, &byte, 1); });
  if (length == 1) return {};
  return sys::Error{length == 0 ? EPIPE : errno, "read"};
}

Result<void> bring_loopback_up() {
  BERTH_ASSIGN(const sys::Fd socket_fd,
               sys::adopt(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket"));
  ifreq request = {};
  sys::copy_text(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  return check(ioctl(socket_fd.get(), SIOCSIFFLAGS, &request), "ioctl");
}

/// What is empty stays as the namespace has it.
Result<void> set_host_names(const Plan& plan, Progress& progress) {
  progress.at("hostname", plan.hostname);
  const bool own = (plan.namespaces & sys::kernel::kCloneNewUts) != 0;
  if (plan.hostname[0] != '\0')
    BERTH_TRY(check(sethostname(plan.hostname, strlen(plan.hostname)), "sethostname"));
  if (own || plan.domainname[0] != '\0')
    BERTH_TRY(check(setdomainname(plan.domainname, strlen(plan.domainname)), "setdomainname"));
  return {};
}

/// The last steps of a container that is handed over, from a complete process to its program.
Result<void> start_when_told(const Plan& plan, FirstProcess& ends, sys::Fd& report,
                             const Identity& identity, Progress& progress) {
  BERTH_ASSIGN(const launch::Capabilities wanted, get_ready(plan, identity, progress));
  BERTH_ASSIGN(report, await_start(plan, ends, progress));
  return become_handed_program(plan, report, wanted, identity, progress);
}

Result<void> confine_and_run(const Plan& plan, FirstProcess& ends, sys::Fd& report,
                             Progress& progress) {
  using namespace sys::kernel;
  progress.at("session");
  BERTH_TRY(die_with_supervisor(plan));
  if (setsid() < 0) return sys::last_error("setsid");

  if (!plan.handover.wanted && plan.joined.count > 0) {
    const uint64_t joined_before = kCloneNewPid | (cloned_within(plan) ? kCloneNewUser : 0);
    BERTH_TRY(ends.joined->join(plan, ~joined_before, progress));
    BERTH_TRY(die_with_supervisor(plan));
  }

  // While the supervisor builds the tree, the dearest namespace (network) is made here.
  progress.at("namespaces");
  const uint64_t early = plan.namespaces & (kCloneNewNet | kCloneNewUts);
  BERTH_TRY(check(unshare(static_cast<int>(early)), "unshare"));
  if (plan.network.attachments.count > 0 && write(ends.program.report, &kNamespacesMade, 1) != 1)
    return sys::last_error("write");
  progress.at("cgroup");
  BERTH_TRY(join_v1_cgroups(ends.program));
  // After joining, so that the namespace's root is the task's own cgroup (cgroup_namespaces(7)).
  const uint64_t own_cgroup =
      sys::holds("cgroup-namespace") ? plan.namespaces & kCloneNewCgroup : 0;
  BERTH_TRY(check(unshare(static_cast<int>(own_cgroup)), "unshare"));

  progress.at("tree");
  BERTH_TRY(wait_for_tree(ends));
  if (plan.uids.count > 0) {
    progress.at("identity");
    BERTH_TRY(become_root_inside(plan));
  }
  progress.at("namespaces");
  // IPC only now, so that the message queues' file system belongs to the container's root.
  const uint64_t late = plan.namespaces & (kCloneNewNs | kCloneNewIpc);
  BERTH_TRY(check(unshare(static_cast<int>(late)), "unshare"));
  BERTH_TRY(set_host_names(plan, progress));
  BERTH_ASSIGN(sys::Fd root, complete_own_view(plan, progress));
  if (plan.handover.wanted) {
    BERTH_TRY(pass_hooks(plan, ends, progress));
    if (plan.handover.terminal)
      BERTH_TRY(give_console(plan.handover, root.get(), ends.console, true, progress));
  }
  root.reset();
  BERTH_TRY(enter_own_view(plan, progress));
  if ((plan.namespaces & kCloneNewNet) != 0) {
    progress.at("loopback");
    BERTH_TRY(bring_loopback_up());
    BERTH_TRY(configure(plan, progress));
  }
  Identity identity;
  BERTH_TRY(prepare_program(plan, ends.program, !plan.handover.wanted, identity, progress));
  if (plan.handover.wanted) return start_when_told(plan, ends, report, identity, progress);
  return become_program(plan, ends.program, identity, progress);
}

}  // namespace

void run_first_process(const Plan& plan, FirstProcess ends) {
  Progress progress;
  progress.timings = ends.timings;
  sys::Fd report;  // outlives what reports on it
  const auto outcome = confine_and_run(plan, ends, report, progress);
  const Failure failure = describe(progress, outcome.error());
  // Fits the buffer of a pipe or socket whole. If the supervisor is gone, nobody is left to tell.
  if (plan.handover.wanted && !report)
    (void)!write(ends.program.report, &launch::HandoverReport::kFailed, 1);
  (void)!write(report ? report.get() : ends.program.report, &failure, sizeof failure);
  _exit(1);
}

}  // namespace berth::init
