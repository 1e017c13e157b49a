#include "init/first_process.h"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>

#include "init/network.h"
#include "init/own_view.h"
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

Result<void> wait_for_tree(int go) {
  char byte = 0;
  const ssize_t length = sys::retry_interrupted([&] { return read(go, &byte, 1); });
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

Result<void> confine_and_run(const Plan& plan, int go, ProgramEnds& ends, Progress& progress) {
  using namespace sys::kernel;
  progress.at("session");
  BERTH_TRY(die_with_supervisor());
  if (setsid() < 0) return sys::last_error("setsid");

  // While the supervisor builds the tree, the dearest namespace (network) is made here.
  progress.at("namespaces");
  const uint64_t early = plan.namespaces & (kCloneNewNet | kCloneNewUts);
  BERTH_TRY(check(unshare(static_cast<int>(early)), "unshare"));
  if (plan.network.bridge[0] != '\0' && write(ends.report, &kNamespacesMade, 1) != 1)
    return sys::last_error("write");
  progress.at("cgroup");
  BERTH_TRY(join_v1_cgroups(ends));
  // After joining, so that the namespace's root is the task's own cgroup (cgroup_namespaces(7)).
  BERTH_TRY(check(unshare(static_cast<int>(plan.namespaces & kCloneNewCgroup)), "unshare"));

  progress.at("tree");
  BERTH_TRY(wait_for_tree(go));
  if ((plan.namespaces & kCloneNewUser) != 0) {
    progress.at("identity");
    BERTH_TRY(become_root_inside());
  }
  progress.at("namespaces");
  // IPC only now, so that the message queues' file system belongs to the container's root.
  const uint64_t late = plan.namespaces & (kCloneNewNs | kCloneNewIpc);
  BERTH_TRY(check(unshare(static_cast<int>(late)), "unshare"));
  BERTH_TRY(enter_own_view(plan, progress));

  if ((plan.namespaces & kCloneNewUts) != 0) {
    progress.at("hostname", plan.hostname);
    BERTH_TRY(check(sethostname(plan.hostname, strlen(plan.hostname)), "sethostname"));
    BERTH_TRY(check(setdomainname(plan.domainname, strlen(plan.domainname)), "setdomainname"));
  }
  if ((plan.namespaces & kCloneNewNet) != 0) {
    progress.at("loopback");
    BERTH_TRY(bring_loopback_up());
    BERTH_TRY(configure(plan, progress));
  }
  return become_program(plan, ends, true, progress);
}

}  // namespace

void run_first_process(const Plan& plan, const FirstProcess& birth) {
  Progress progress;
  progress.timings = birth.timings;
  ProgramEnds ends = birth.ends;
  const auto outcome = confine_and_run(plan, birth.go, ends, progress);
  const Failure failure = describe(progress, outcome.error());
  // Fits a socket's buffer whole. If the supervisor is gone, nobody is left to tell.
  (void)!write(ends.report, &failure, sizeof failure);
  _exit(1);
}

}  // namespace berth::init
