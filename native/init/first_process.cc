#include "init/first_process.h"

#include <grp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cstring>

#include "init/console.h"
#include "init/created.h"
#include "init/identity.h"
#include "init/network.h"
#include "init/own_view.h"
#include "init/program.h"
#include "init/reaper.h"
#include "sys/capability.h"
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

// The calls themselves: a C library's would first gather all threads of a process (setresuid(2), notes), and here there is one.
Result<void> set_user(uid_t id) {
  return check(static_cast<int>(syscall(SYS_setresuid, id, id, id)), "setresuid");
}
Result<void> set_group(gid_t id) {
  return check(static_cast<int>(syscall(SYS_setresgid, id, id, id)), "setresgid");
}
Result<void> set_groups(size_t count, const gid_t* groups) {
  if (!sys::holds("supplementary-groups")) return {};
  return check(static_cast<int>(syscall(SYS_setgroups, count, groups)), "setgroups");
}

/// The task dies with its supervisor, also where it is not in a pid namespace of the supervisor's. Set anew after each change of credentials, which clears it (prctl(2)).
Result<void> die_with_supervisor(const Plan& plan) {
  if (plan.handover.wanted) return {};  // it has none
  return check(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0), "prctl");
}

Result<void> join_v1_cgroups(const FirstProcess& ends) {
  for (uint32_t i = 0; i < ends.v1_count; ++i) {
    // `tasks` and not cgroup.procs: a thread that moves itself need not wait for every other thread group of the host (Linux 5.19;
    // cgroup.procs costs milliseconds after a pause).
    if (write(ends.v1_tasks[i], "0", 1) != 1) return sys::last_error("write");
  }
  return {};
}

Result<void> wait_for_tree(const FirstProcess& ends) {
  char byte = 0;
  const ssize_t length = sys::retry_interrupted([&] { return read(ends.go, &byte, 1); });
  if (length == 1) return {};
  return sys::Error{length == 0 ? EPIPE : errno, "read"};
}

Result<void> become_root_inside(const Plan& plan) {
  BERTH_TRY(set_group(0));
  BERTH_TRY(set_groups(0, nullptr));
  BERTH_TRY(set_user(0));
  return die_with_supervisor(plan);
}

Result<void> bring_loopback_up() {
  BERTH_ASSIGN(const sys::Fd socket_fd,
               sys::adopt(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket"));
  ifreq request = {};
  sys::copy_text(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  return check(ioctl(socket_fd.get(), SIOCSIFFLAGS, &request), "ioctl");
}

Result<void> set_limits(const Plan& plan, Progress& progress) {
  for (const auto& limit : plan.process.limits) {
    progress.at("limits", limit.name);
    const rlimit value = {limit.soft, limit.hard};
    BERTH_TRY(check(setrlimit(static_cast<int>(limit.resource), &value), "setrlimit"));
  }
  return {};
}

/// chdir, then a look at where that led: a directory outside the root shows as `(unreachable)…` or has no name at all (CVE-2024-21626).
Result<void> enter_working_directory(const char* path) {
  BERTH_TRY(check(chdir(path), "chdir"));
  char where[4096];
  if (syscall(SYS_getcwd, where, sizeof where) < 0) return sys::last_error("getcwd");
  if (where[0] != '/' && sys::holds("inside-directory")) return sys::Error{EXDEV, "chdir"};
  return {};
}

/// So that a program that is not root may reopen its output too, by way of /dev/stdout.
Result<void> own_output(const Plan& plan, const FirstProcess& ends, const Identity& identity) {
  // A caller's own descriptors stay the caller's; the terminal is ours. Its group is devpts's to choose.
  if (plan.handover.wanted)
    return plan.handover.terminal ? check(fchown(0, identity.uid, static_cast<gid_t>(-1)), "fchown")
                                  : Result<void>();
  for (const int end : ends.output)
    BERTH_TRY(check(fchown(end, identity.uid, identity.gid), "fchown"));
  return {};
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

/// The capabilities that there are to be had: a caller may ask for more than it has itself (OCI runtime specification: to be passed over).
Result<launch::Capabilities> attainable(const Plan& plan) {
  launch::Capabilities wanted = plan.process.capabilities;
  if (!plan.handover.wanted) return wanted;
  BERTH_ASSIGN(const sys::CapabilitySets own, sys::get_capabilities());
  for (uint64_t* set : {&wanted.effective, &wanted.permitted, &wanted.inheritable, &wanted.ambient})
    *set &= own.permitted;
  return wanted;
}

/// Everything but the capabilities, all of which stay at hand.
Result<void> take_ids(const Plan& plan, const Identity& identity, Progress& progress) {
  progress.at("capabilities");
  BERTH_TRY(sys::limit_bounding(plan.process.capabilities.bounding));
  // EINVAL here: the container's user namespace has no such id.
  progress.at("user", plan.process.user);
  BERTH_TRY(set_groups(identity.group_count, identity.groups));
  BERTH_TRY(set_group(identity.gid));
  BERTH_TRY(check(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), "prctl"));
  BERTH_TRY(set_user(identity.uid));
  return check(prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0), "prctl");
}

Result<void> take_capabilities(const Plan& plan, const launch::Capabilities& wanted,
                               Progress& progress) {
  progress.at("capabilities");
  const uint64_t inheritable =
      sys::holds("inheritable-capabilities") ? wanted.inheritable : wanted.bounding;
  BERTH_TRY(sys::set_capabilities({wanted.effective, wanted.permitted, inheritable}));
  BERTH_TRY(sys::set_ambient(wanted.ambient));
  return die_with_supervisor(plan);
}

Result<void> gain_nothing_more(const Plan& plan) {
  if (!plan.process.no_new_privileges || !sys::holds("no-new-privileges")) return {};
  return check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl");
}

Result<void> filter_system_calls(const Plan& plan) {
  if (plan.seccomp.count == 0 || !sys::holds("system-call-filter")) return {};
  static_assert(sizeof(sys::kernel::SockFilter) == sizeof(uint64_t));
  const sys::kernel::SockFprog program = {
      static_cast<uint16_t>(plan.seccomp.count),
      reinterpret_cast<const sys::kernel::SockFilter*>(plan.seccomp.items)};
  if (sys::kernel::seccomp(sys::kernel::kSeccompSetModeFilter, 0, &program) != 0)
    return sys::last_error("seccomp");
  return {};
}

/// The program gets these three, those that a caller wants preserved, and nothing else; signals are as a new program expects them.
Result<void> hand_over_stdio(const Plan& plan, const FirstProcess& ends) {
  const int sources[3] = {ends.input, ends.output[0], ends.output[1]};
  for (int number = 0; number < 3 && !plan.handover.wanted; ++number) {
    if (dup2(sources[number], number) < 0) return sys::last_error("dup2");
  }
  if (sys::holds("closed-descriptors") &&
      sys::kernel::close_range(3 + plan.handover.preserved, ~0U, sys::kernel::kCloseRangeCloexec) !=
          0)
    return sys::last_error("close_range");
  // What was ignored stays ignored across clone and exec (signal(7)): SIGPIPE is, by Node and by the supervisor. Those that cannot be set need not be.
  for (int number = 1; number < NSIG; ++number) (void)signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  return check(sigprocmask(SIG_SETMASK, &none, nullptr), "sigprocmask");
}

/// The last steps of a container that is handed over, from a complete process to its program.
Result<void> start_when_told(const Plan& plan, FirstProcess& ends, sys::Fd& report,
                             const Identity& identity, Progress& progress) {
  BERTH_ASSIGN(const launch::Capabilities wanted, attainable(plan));
  BERTH_TRY(take_ids(plan, identity, progress));
  BERTH_ASSIGN(const sys::CapabilitySets all, sys::get_capabilities());
  // As the program itself will see it.
  BERTH_TRY(sys::set_capabilities({wanted.effective, all.permitted, all.inheritable}));
  BERTH_TRY(check_program(plan.process, progress));
  if (plan.process.no_new_privileges) BERTH_TRY(take_capabilities(plan, wanted, progress));
  BERTH_TRY(gain_nothing_more(plan));
  BERTH_ASSIGN(report, await_start(plan, ends, progress));
  ends.report = report.get();
  BERTH_TRY(keep_descriptors(plan, report));
  ends.report = report.get();
  progress.at("stdio");
  BERTH_TRY(hand_over_stdio(plan, ends));
  if (plan.process.set_personality) {
    progress.at("personality");
    if (syscall(SYS_personality, plan.process.personality) < 0)
      return sys::last_error("personality");
  }
  progress.at("exec", plan.process.args.items[0]);
  if (write(ends.report, &launch::kAboutToExecute, 1) != 1) return sys::last_error("write");
  // Without no_new_privs a filter takes CAP_SYS_ADMIN (seccomp(2)), and what comes after it is subject to it: as little as can be.
  if (!plan.process.no_new_privileges) {
    BERTH_TRY(sys::raise_effective());
    BERTH_TRY(filter_system_calls(plan));
    BERTH_TRY(take_capabilities(plan, wanted, progress));
  } else {
    BERTH_TRY(filter_system_calls(plan));
  }
  return run_program(plan.process, identity, progress);
}

Result<void> confine_and_run(const Plan& plan, FirstProcess& ends, sys::Fd& report,
                             Progress& progress) {
  using namespace sys::kernel;
  progress.at("session");
  BERTH_TRY(die_with_supervisor(plan));
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
  const uint64_t own_cgroup =
      sys::holds("cgroup-namespace") ? plan.namespaces & kCloneNewCgroup : 0;
  BERTH_TRY(check(unshare(static_cast<int>(own_cgroup)), "unshare"));

  progress.at("tree");
  BERTH_TRY(wait_for_tree(ends));
  if ((plan.namespaces & kCloneNewUser) != 0) {
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
      BERTH_TRY(give_console(plan.handover, root.get(), ends.console, progress));
  }
  root.reset();
  BERTH_TRY(enter_own_view(plan, progress));
  if ((plan.namespaces & kCloneNewNet) != 0) {
    progress.at("loopback");
    BERTH_TRY(bring_loopback_up());
    BERTH_TRY(configure(plan, progress));
  }
  progress.at("keyring");
  // A host without CONFIG_KEYS has nothing to share by accident.
  if (join_session_keyring() < 0 && errno != ENOSYS) return sys::last_error("keyctl");

  Identity identity;
  progress.at("user", plan.process.user);
  BERTH_TRY(find_identity(plan.process, identity, progress));
  BERTH_TRY(own_output(plan, ends, identity));
  // Where the container has users of its own, raising a limit takes more rights than this process has: berth-init does it then.
  if (!plan.handover.wanted || (plan.namespaces & kCloneNewUser) == 0)
    BERTH_TRY(set_limits(plan, progress));
  umask(plan.process.umask);
  progress.at("cwd", plan.process.cwd);
  BERTH_TRY(enter_working_directory(plan.process.cwd));
  if (plan.handover.wanted) return start_when_told(plan, ends, report, identity, progress);
  BERTH_TRY(take_ids(plan, identity, progress));
  BERTH_TRY(take_capabilities(plan, plan.process.capabilities, progress));
  progress.at("stdio");
  BERTH_TRY(hand_over_stdio(plan, ends));
  BERTH_TRY(gain_nothing_more(plan));
  if (plan.process.init) {
    progress.at("init");
    BERTH_TRY(leave_reaper_behind());
  }
  progress.at("seccomp");
  BERTH_TRY(filter_system_calls(plan));
  progress.at("exec", plan.process.args.items[0]);
  if (write(ends.report, &launch::kAboutToExecute, 1) != 1) return sys::last_error("write");
  return run_program(plan.process, identity, progress);
}

}  // namespace

void run_first_process(const Plan& plan, FirstProcess ends) {
  Progress progress;
  progress.timings = ends.timings;
  sys::Fd report;  // outlives what reports on it
  const auto outcome = confine_and_run(plan, ends, report, progress);
  const Failure failure = describe(progress, outcome.error());
  // Fits a pipe's buffer whole. If the supervisor is gone, nobody is left to tell.
  if (plan.handover.wanted && !report)
    (void)!write(ends.report, &launch::HandoverReport::kFailed, 1);
  (void)!write(ends.report, &failure, sizeof failure);
  _exit(1);
}

}  // namespace berth::init
