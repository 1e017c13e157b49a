#include "init/supervisor.h"

#include <signal.h>
#include <sys/mman.h>

#include <cstdio>

#include "init/birth.h"
#include "init/control.h"
#include "init/ending.h"
#include "init/output.h"
#include "init/records.h"
#include "init/root_tree.h"
#include "init/watch.h"
#include "sys/kernel.h"

namespace berth::init {
namespace {

using launch::Plan;
using sys::Fd;
using sys::Result;

LogWriter log_writer;  // its ring is large: static, and touched only when something is logged

/// JSON string content: what a path or command may hold and a line of text may not.
void escape(char* to, size_t size, const char* from) {
  size_t used = 0;
  for (; *from != '\0' && used + 7 < size; ++from) {
    const auto c = static_cast<unsigned char>(*from);
    if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f) {
      used += static_cast<size_t>(snprintf(to + used, size - used, "\\u%04x", c));
    } else {
      to[used++] = *from;
    }
  }
  to[used] = '\0';
}

/// Two lists, the supervisor's and the first process's, or none. Shared with the child that is cloned later.
Timings* make_timings(const Plan& plan) {
  if (!plan.timings) return nullptr;
  void* shared = mmap(nullptr, 2 * sizeof(Timings), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return shared == MAP_FAILED ? nullptr : static_cast<Timings*>(shared);
}

/// `timings` followed by `WHO:STEP:NANOSECONDS` for each step, in the order of each list.
void tell_timings(const Timings* lists, Control& control) {
  static char line[8192];
  auto used = static_cast<size_t>(snprintf(line, sizeof line, "timings"));
  for (int who = 0; lists != nullptr && who < 2; ++who) {
    for (uint32_t i = 0; i < lists[who].count && used < sizeof line - 64; ++i) {
      const auto& entry = lists[who].entries[i];
      used += static_cast<size_t>(snprintf(line + used, sizeof line - used, " %s:%s:%llu", who == 0 ? "supervisor" : "task", entry.step,
                                           static_cast<unsigned long long>(entry.began)));
    }
  }
  if (lists != nullptr) control.tell_leash(line);
}

/// All that comes before the program runs; on success the first process has been told to go on.
Result<void> build(const Plan& plan, Ending& ending, Control& control, Container& container, StateRecord& record, Progress& progress) {
  progress.at("state");
  BERTH_TRY(ending.prepare(plan, &progress.subject));
  BERTH_TRY(stand_alone(plan, progress));
  BERTH_TRY(make_stage(plan, progress));
  BERTH_ASSIGN(container, begin(plan, progress));
  BERTH_ASSIGN(const Fd userns, map_ids(plan, container, progress));
  BERTH_TRY(build_root_tree(plan, userns ? userns.get() : -1, progress));
  progress.at("tree");
  // Its end of the pipe is closed if it has failed already; what it reports is what counts then.
  if (write(container.go.get(), "g", 1) != 1 && errno != EPIPE) return sys::last_error("write");
  // The first process is busy now: time to prepare what is needed once its program runs.
  progress.at("record");
  BERTH_TRY(identify(container.pid, record));
  control.task(container.pidfd.get());
  return control.listen(ending.state());
}

/// From the plan to a program that runs and a record that says so. On failure nothing of the container runs any more.
bool come_to_life(const Plan& plan, Ending& ending, Control& control, Container& container, Failure& failure, Progress& progress) {
  StateRecord record;
  auto outcome = build(plan, ending, control, container, record, progress);
  bool runs = false;
  if (outcome) {
    progress.at("program");
    runs = await_program(container, failure);
    if (runs) {
      progress.at("record");
      outcome = write_state(ending.state(), record);
    }
  }
  if (!outcome) failure = describe(progress, outcome.error());
  if (outcome && runs) return true;
  if (container.pid > 0) {
    sys::kernel::pidfd_send_signal(container.pidfd.get(), SIGKILL);
    collect(container);
  }
  return false;
}

/// Removes all that was made, then tells why; whoever reads the line may rely on it.
int give_up(const Plan& plan, Ending& ending, Control& control, const Failure& failure) {
  const auto clear_up = [&]() -> Result<void> {
    BERTH_TRY(strike_stage(plan));
    BERTH_TRY(ending.remove_cgroups());
    return ending.remove_container();
  };
  const auto cleared = clear_up();
  char subject[640], line[768];
  escape(subject, sizeof subject, failure.subject);
  snprintf(line, sizeof line, "failed {\"step\":\"%s\",\"errno\":%d,\"syscall\":\"%s\",\"subject\":\"%s\",\"cleanup_errno\":%d}", failure.step,
           failure.number, failure.call, subject, cleared ? 0 : cleared.error().number);
  control.announce_exit(line);
  return 1;
}

/// Records the end, clears up, and tells everybody who waits.
int conclude(const Plan& plan, const Container& container, Ending& ending, Control& control) {
  ExitStatus exit = collect(container);
  constexpr int kDiskPatience = 2000;
  log_writer.finish(kDiskPatience);
  exit.oom_killed = ending.oom_killed();
  exit.log_bytes_dropped = log_writer.dropped();
  char text[256], line[288];
  format_exit(text, exit);
  snprintf(line, sizeof line, "exited %s", text);
  const auto recorded = plan.remove_when_done ? Result<void>() : write_exit(ending.state(), text);
  const auto cgroups = ending.remove_cgroups();
  const auto removed = plan.remove_when_done ? ending.remove_container() : Result<void>();
  control.announce_exit(line);
  return recorded && cgroups && removed ? 0 : 1;
}

}  // namespace

int supervise(const Plan& plan) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  signal(SIGPIPE, SIG_IGN);

  static Control control{Fd(launch::kLeashFd)};
  Progress progress;
  progress.timings = make_timings(plan);
  Ending ending;
  Container container;
  Failure failure;
  if (!come_to_life(plan, ending, control, container, failure, progress)) return give_up(plan, ending, control, failure);

  log_writer.configure(ending.container(), plan.logs);
  static Output out(Stream::kStdout, std::move(container.output[0]), ClientEnd(1), log_writer);
  static Output err(Stream::kStderr, std::move(container.output[1]), ClientEnd(2), log_writer);
  progress.at("running");
  tell_timings(progress.timings, control);
  char running[48];
  snprintf(running, sizeof running, "running %d", container.pid);
  control.set_status(running);
  container.go.reset();
  container.report.reset();
  // Failing to is no reason to end a container that runs: it only keeps some of the host's mounts busy.
  (void)leave_host_tree();

  watch(container, control, out, err);
  return conclude(plan, container, ending, control);
}

}  // namespace berth::init
