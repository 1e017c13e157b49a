#include "init/hand_over_exec.h"

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "init/birth.h"
#include "init/caller.h"
#include "init/console.h"
#include "init/handed_program.h"
#include "init/joining.h"
#include "init/last_steps.h"
#include "init/watch.h"
#include "launch/handover.h"
#include "sys/kernel.h"

namespace berth::init {
namespace {

using launch::HandoverReport;
using launch::Plan;
using sys::Fd;
using sys::Result;
using namespace sys::kernel;

Result<void> check(int outcome, const char* call) {
  if (outcome != 0) return sys::last_error(call);
  return {};
}

/// What the new process holds until it is the program.
struct Entrance {
  int task;  // pidfd of the container's first process
  uint64_t namespaces;
  int go;  // gives kRecorded once the limits hold; end of file: berth-init is gone
};

Result<void> await_go(int go) {
  char word = 0;
  const ssize_t length = sys::retry_interrupted([&] { return read(go, &word, 1); });
  if (length < 0) return sys::last_error("read");
  if (length == 0) return sys::Error{EPIPE, "read"};
  return {};
}

/// In the new process, which the container can see but not touch: it cannot be dumped, and has no memory that could be read.
Result<void> enter(const Plan& plan, const Entrance& entrance, ProgramEnds& ends, Fd& report,
                   Progress& progress) {
  progress.at("session");
  if (setsid() < 0) return sys::last_error("setsid");
  close(launch::kLeashFd);
  progress.at("cgroup");
  BERTH_TRY(join_v1_cgroups(ends));
  progress.at("join");
  BERTH_TRY(
      check(setns(entrance.task, static_cast<int>(entrance.namespaces & ~kCloneNewPid)), "setns"));
  if ((entrance.namespaces & kCloneNewUser) != 0) {
    progress.at("identity");
    BERTH_TRY(become_root_inside(plan));
  }
  BERTH_TRY(check(chdir("/"), "chdir"));
  if (plan.handover.terminal) {
    BERTH_ASSIGN(const Fd root, sys::adopt(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), "open"));
    BERTH_TRY(give_console(plan.handover, root.get(), launch::kConsoleFd, false, progress));
  }
  Identity identity;
  BERTH_TRY(prepare_program(plan, ends, false, identity, progress));
  BERTH_ASSIGN(const launch::Capabilities wanted, get_ready(plan, identity, progress));
  progress.at("start");
  if (write(report.get(), &HandoverReport::kCreated, 1) != 1) return sys::last_error("write");
  BERTH_TRY(await_go(entrance.go));
  return become_handed_program(plan, report, wanted, identity, progress);
}

/// Clones the process into the container's cgroup and pid namespace; all else it joins itself.
Result<void> send_in(const Plan& plan, Container& container, Progress& progress) {
  progress.at("session");
  BERTH_TRY(check(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0), "prctl"));
  BERTH_TRY(check(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), "prctl"));
  umask(0);
  BERTH_TRY(check(chdir("/"), "chdir"));
  share_pipes(plan);
  progress.at("join");
  container.host.reset(launch::kTaskPidFd);
  BERTH_ASSIGN(const uint64_t namespaces, foreign_namespaces(container.host.get()));
  Fd report, go;
  int ends_of_go[2];
  BERTH_TRY(check(pipe2(ends_of_go, O_CLOEXEC), "pipe2"));
  go.reset(ends_of_go[0]);
  container.go.reset(ends_of_go[1]);
  BERTH_TRY(make_report(container.report, report));
  V1Tasks tasks;
  BERTH_TRY(open_v1_tasks(plan, tasks, progress));
  progress.at("cgroup", plan.cgroup.unified);
  BERTH_ASSIGN(const Fd cgroup, open_cgroup(plan));

  progress.at("join");
  const int task = container.host.get();
  int program = -1;
  BERTH_ASSIGN(const long pid,
               clone_beside(task, namespaces, cgroup ? cgroup.get() : -1, &program));
  if (pid == 0) {
    container.report.reset();
    container.go.reset();
    Progress own;
    ProgramEnds ends;
    ends.v1_tasks = tasks.numbers;
    ends.v1_count = plan.cgroup.v1.count;
    const auto outcome = enter(plan, {task, namespaces, go.get()}, ends, report, own);
    const Failure failure = describe(own, outcome.error());
    (void)!write(report.get(), &HandoverReport::kFailed, 1);
    (void)!write(report.get(), &failure, sizeof failure);
    _exit(1);
  }
  container.pid = static_cast<pid_t>(pid);
  container.pidfd.reset(program);
  BERTH_ASSIGN(container.host_pid, host_pid_of(program));
  return {};
}

/// From its first word to the program that runs, or a Failure told by it.
Result<bool> accompany(const Plan& plan, const Container& container, Failure& failure,
                       Progress& progress) {
  for (bool about_to_execute = false;;) {
    progress.at("start");
    char word = 0;
    const ssize_t length =
        sys::retry_interrupted([&] { return read(container.report.get(), &word, 1); });
    if (length < 0) return sys::last_error("read");
    // Its end of the report closes itself when the program is executed.
    if (length == 0 && about_to_execute) return true;
    if (length == 0) return sys::Error{ECHILD, "waitpid"};
    if (word == HandoverReport::kCreated) {
      BERTH_TRY(limit_from_outside(plan, container.host_pid, progress));
      if (write(container.go.get(), &launch::kRecorded, 1) != 1) return sys::last_error("write");
    } else if (word == launch::kAboutToExecute) {
      about_to_execute = true;
    } else {
      if (read(container.report.get(), &failure, sizeof failure) != sizeof failure)
        return sys::Error{ECHILD, "waitpid"};
      return false;
    }
  }
}

}  // namespace

int send_in_and_hand_over(const Plan& plan) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  Progress progress;
  Container container;
  HandoverReport report;
  Result<bool> runs = false;
  if (const auto sent = send_in(plan, container, progress); !sent) {
    runs = sent.error();
  } else {
    runs = accompany(plan, container, report.failure, progress);
  }
  if (!runs) report.failure = describe(progress, runs.error());
  const bool ready = runs && *runs;
  if (!ready && container.pid > 0) {
    pidfd_send_signal(container.pidfd.get(), SIGKILL);
    collect(container);
  }
  if (ready) report.word = HandoverReport::kRuns;
  report.pid = container.host_pid;
  return tell(report) && ready ? 0 : 1;
}

}  // namespace berth::init
