#include "init/exec.h"

#include <signal.h>
#include <sys/mman.h>

#include "init/birth.h"
#include "init/carrier.h"
#include "init/control.h"
#include "init/failure_line.h"
#include "init/joining.h"
#include "init/journal.h"
#include "init/last_steps.h"
#include "init/records.h"
#include "init/watch.h"
#include "sys/defence.h"
#include "sys/kernel.h"
#include "sys/text.h"

namespace berth::init {
namespace {

using launch::Plan;
using sys::Fd;
using sys::Result;
using namespace sys::kernel;

Result<void> check(int outcome, const char* call) {
  if (outcome != 0) return sys::last_error(call);
  return {};
}

/// In the new process, which the container can see but not touch: it is no user of the container's yet, cannot be dumped, and has no memory that could be read.
Result<void> enter(const Plan& plan, int pidfd, uint64_t namespaces, ProgramEnds& ends,
                   Progress& progress) {
  progress.at("session");
  BERTH_TRY(die_with_supervisor(plan));
  if (setsid() < 0) return sys::last_error("setsid");
  progress.at("cgroup");
  if (sys::holds("limits-of-exec")) BERTH_TRY(join_v1_cgroups(ends));
  progress.at("join");
  BERTH_TRY(check(setns(pidfd, static_cast<int>(namespaces & ~kCloneNewPid)), "setns"));
  if ((namespaces & kCloneNewUser) != 0) {
    progress.at("identity");
    BERTH_TRY(become_root_inside(plan));
  }
  BERTH_TRY(check(chdir("/"), "chdir"));
  Identity identity;
  BERTH_TRY(prepare_program(plan, ends, false, identity, progress));
  return become_program(plan, ends, identity, progress);
}

/// Clones the process into the container's cgroup and pid namespace; all else it joins itself.
Result<void> send_in(const Plan& plan, Container& container, Progress& progress) {
  progress.at("join");
  container.host.reset(launch::kTaskPidFd);
  BERTH_ASSIGN(const uint64_t namespaces, foreign_namespaces(container.host.get()));
  BERTH_TRY(leave_session(progress));
  BERTH_TRY(leave_cgroups(plan, progress));
  // The new process inherits it; it could not make it less once it is in its user namespace.
  BERTH_TRY(adjust_oom_score(plan, getpid(), progress));
  Fd report;
  BERTH_TRY(make_report(container.report, report));
  BERTH_ASSIGN(Stdio stdio, make_stdio(plan));
  V1Tasks tasks;
  BERTH_TRY(open_v1_tasks(plan, tasks, progress));
  progress.at("cgroup", plan.cgroup.unified);
  BERTH_ASSIGN(const Fd cgroup, open_cgroup(plan));

  const int pidfd = container.host.get();
  int program = -1;
  progress.at("join");
  BERTH_ASSIGN(const long pid,
               clone_beside(pidfd, namespaces,
                            cgroup && sys::holds("limits-of-exec") ? cgroup.get() : -1, &program));
  if (pid == 0) {
    container.report.reset();
    Progress own;
    ProgramEnds ends = {report.get(),
                        {stdio.theirs[0].get(), stdio.theirs[1].get(), stdio.theirs[2].get()},
                        tasks.numbers,
                        plan.cgroup.v1.count};
    const auto outcome = enter(plan, pidfd, namespaces, ends, own);
    const Failure failure = describe(own, outcome.error());
    (void)!write(report.get(), &failure, sizeof failure);
    _exit(1);
  }
  container.pid = static_cast<pid_t>(pid);
  container.pidfd.reset(program);
  container.ends = std::move(stdio.ours);
  BERTH_ASSIGN(container.host_pid, host_pid_of(program));
  return {};
}

[[gnu::noinline]] bool come_to_life(const Plan& plan, Container& container, Failure& failure) {
  Progress progress;
  const auto outcome = send_in(plan, container, progress);
  if (outcome && await_program(container, failure)) return true;
  if (!outcome) failure = describe(progress, outcome.error());
  if (container.pid > 0) {
    pidfd_send_signal(container.pidfd.get(), SIGKILL);
    collect(container);
  }
  return false;
}

}  // namespace

int exec_into(const Plan& plan, const PlanMemory& memory) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  signal(SIGPIPE, SIG_IGN);

  static Control control{Fd(launch::kLeashFd)};
  Container container;
  Failure failure;
  if (!come_to_life(plan, container, failure)) {
    control.announce_exit(failure_line(failure, 0).c_str());
    return 1;
  }
  control.task(container.pidfd.get());
  container.report.reset();
  static LogWriter no_log(nullptr);
  static Carrier carrier(control, no_log);
  carrier.open(std::move(container.ends), plan);
  control.handler({[](void* self, const Request& request) {
                     return static_cast<Carrier*>(self)->answer(request);
                   },
                   &carrier});
  const Fd root(open(plan.root, O_PATH | O_DIRECTORY | O_CLOEXEC));
  static Journal journal;
  journal.open(root.get(), plan);
  const Journal::Attributes program = Journal::program(plan.process, container.host_pid);
  journal.tell("exec_start", program);
  control.set_status(sys::Text<48>("running ", container.host_pid).c_str());
  munmap(memory.stream, memory.stream_size);
  munmap(memory.arena, memory.arena_size);
  watch(container, control, carrier);
  const ExitStatus exit = collect(container);
  journal.tell("exec_die", Journal::Attributes(program, ",\"exit_code\":", exit.status));
  control.announce_exit(sys::Text<288>("exited ", format_exit(exit).c_str()).c_str());
  return 0;
}

}  // namespace berth::init
