#include "init/supervisor.h"

#include <signal.h>
#include <sys/mman.h>

#include <cstring>

#include "init/birth.h"
#include "init/carrier.h"
#include "init/control.h"
#include "init/ending.h"
#include "init/failure_line.h"
#include "init/journal.h"
#include "init/network.h"
#include "init/oom_watch.h"
#include "init/records.h"
#include "init/root_tree.h"
#include "init/watch.h"
#include "sys/kernel.h"
#include "sys/text.h"

namespace berth::init {
namespace {

using launch::Plan;
using sys::Fd;
using sys::Result;

/// Large, and touched only when there is output; apart from all else, so that an idle supervisor keeps as few pages as can be.
alignas(4096) char ring[LogWriter::kRing];

LogWriter log_writer(ring);

Journal journal;

/// Two lists, the supervisor's and the first process's, or none. Shared with the child that is cloned later.
Timings* make_timings(const Plan& plan) {
  if (!plan.timings) return nullptr;
  void* shared =
      mmap(nullptr, 2 * sizeof(Timings), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return shared == MAP_FAILED ? nullptr : static_cast<Timings*>(shared);
}

/// `timings` followed by `WHO:STEP:NANOSECONDS` for each step, in the order of each list.
[[gnu::noinline]] void tell_timings(const Timings* lists, Control& control) {
  if (lists == nullptr) return;
  static sys::Text<8192> line("timings");
  for (int who = 0; who < 2; ++who) {
    for (uint32_t i = 0; i < lists[who].count; ++i) {
      const auto& entry = lists[who].entries[i];
      line.add(sys::Text<80>(who == 0 ? " supervisor:" : " task:", entry.step, ':', entry.began)
                   .c_str());
    }
  }
  control.tell_leash(line.c_str());
}

/// What is done while the container's cgroups are still being made. Nobody else sees any of it, and it goes with this process.
struct Readiness {
  SharedSources shared;
  bool has_left_cgroups = false;

  Result<void> get_ready(const Plan& plan, Ending& ending, Progress& progress) {
    progress.at("state");
    BERTH_TRY(ending.prepare(plan, &progress.subject));
    BERTH_TRY(leave_session(progress));
    const auto left = leave_cgroups(plan, progress);
    // Of the first container of a root they may not be there yet.
    if (!left && left.error().number != ENOENT) return left;
    has_left_cgroups = static_cast<bool>(left);
    BERTH_TRY(shared.take(plan, progress));
    return make_stage(plan, progress);
  }
};

/// The launcher's word that all is there which the container needs. False: it is not to be, or the launcher is gone.
bool await_word() {
  char word = 0;
  return sys::retry_interrupted([&] { return read(launch::kLeashFd, &word, 1); }) == 1;
}

/// All that comes before the program runs; on success the first process has been told to go on.
Result<void> build(const Plan& plan, Ending& ending, Control& control, Container& container,
                   StateRecord& record, const Readiness& ready, Progress& progress) {
  if (!ready.has_left_cgroups) BERTH_TRY(leave_cgroups(plan, progress));
  BERTH_ASSIGN(container, begin(plan, progress));
  BERTH_ASSIGN(const Fd userns, map_ids(plan, container, progress));
  BERTH_TRY(adjust_oom_score(plan, container.host_pid, progress));
  BERTH_TRY(raise_limits(plan, container.pid, progress));
  BERTH_TRY(build_root_tree(plan, userns ? userns.get() : -1, ready.shared, progress));
  BERTH_TRY(connect(plan, container, progress));
  BERTH_TRY(ending.look_at_upper(plan));
  progress.at("tree");
  // Its end of the pipe is closed if it has failed already; what it reports is what counts then.
  if (write(container.go.get(), "g", 1) != 1 && errno != EPIPE) return sys::last_error("write");
  // The first process is busy now: time to prepare what is needed once its program runs.
  progress.at("state");
  BERTH_TRY(ending.prepare_cgroups(plan, &progress.subject));
  ending.forget_mount(plan);
  progress.at("record");
  BERTH_TRY(identify(container.host_pid, record));
  BERTH_TRY(ending.ports().publish(plan, progress));
  control.task(container.pidfd.get());
  return control.listen(ending.state());
}

enum class Birth { kRuns, kFailed, kCalledOff };

/// From the plan to a program that runs and a record that says so. On failure nothing of the container runs any more; of one that is called off nothing ever
/// was. Never inlined, like what follows: its large frame must not be part of the one that stays.
[[gnu::noinline]] Birth come_to_life(const Plan& plan, Ending& ending, Control& control,
                                     Container& container, Failure& failure, Progress& progress,
                                     Fd& launching) {
  StateRecord record;
  Readiness ready;
  auto outcome = ready.get_ready(plan, ending, progress);
  // What has failed is told by whoever is in charge of what there is by then.
  if (!await_word()) return Birth::kCalledOff;
  if (outcome) outcome = build(plan, ending, control, container, record, ready, progress);
  bool runs = false;
  if (outcome) {
    progress.at("program");
    runs = await_program(container, failure);
    if (runs) {
      progress.at("record");
      outcome = write_state(ending.state(), record);
      if (outcome) launching.reset();
    }
    // On record before anybody is told that it runs, and whoever asks then is told of it.
    if (runs && outcome) {
      journal.open(ending.root(), plan);
      journal.tell_start(!plan.kept, container.host_pid);
    }
  }
  if (!outcome) failure = describe(progress, outcome.error());
  if (outcome && runs) return Birth::kRuns;
  if (container.pid > 0) {
    sys::kernel::pidfd_send_signal(container.pidfd.get(), SIGKILL);
    collect(container);
  }
  return Birth::kFailed;
}

/// Gives back what only the launch needed: the plan, and the stack that its deep calls have touched. Never inlined: below its own frame nothing is in use.
[[gnu::noinline]] void give_back(const PlanMemory& memory) {
  munmap(memory.stream, memory.stream_size);
  munmap(memory.arena, memory.arena_size);
  constexpr uintptr_t kPage = 4096, kDeepest = 64 * kPage;
  auto* here = static_cast<char*>(__builtin_frame_address(0));
  here -= reinterpret_cast<uintptr_t>(here) % kPage;
  madvise(here - kDeepest, kDeepest - kPage, MADV_DONTNEED);
}

/// The container's mount namespace, if there is nothing in it but what is the container's own. Taking that down makes whoever lets go of it last wait for the
/// kernel's RCU: that is then not the first process, for whose end others wait.
Fd hold_mounts(const Plan& plan, pid_t first) {
  if (!plan.rootfs.reusable) return {};
  return Fd(open(sys::Text<48>("/proc/", first, "/ns/mnt").c_str(), O_RDONLY | O_CLOEXEC));
}

/// A supervisor whose container does not end at once keeps no more than it needs.
struct Staying {
  const PlanMemory& memory;
  OomWatch& oom;
  Fd mounts;

  [[gnu::noinline]] void settle_down() {
    mounts.reset();
    // Failing to is no reason to end a container that runs: it only keeps some of the host's mounts busy.
    (void)leave_host_tree();
    oom.begin();
    give_back(memory);
  }
};

/// Removes all that was made, then tells why; whoever reads the line may rely on it.
[[gnu::noinline]] int give_up(const Plan& plan, Ending& ending, Control& control,
                              const Failure& failure) {
  const auto clear_up = [&]() -> Result<void> {
    // Those that it finds: that there are others is why it gives up.
    const char* subject = nullptr;
    (void)ending.prepare_cgroups(plan, &subject);
    BERTH_TRY(ending.kill_all());
    BERTH_TRY(strike_stage(plan));
    BERTH_TRY(ending.ports().withdraw());
    BERTH_TRY(ending.remove_cgroups());
    return plan.kept ? ending.remove_state() : ending.remove_container();
  };
  const auto cleared = clear_up();
  const auto line = failure_line(failure, cleared ? 0 : cleared.error().number);
  control.announce_exit(line.c_str());
  return 1;
}

/// Records the end, clears up, and tells everybody who waits.
[[gnu::noinline]] int conclude(bool remove, const Container& container, Ending& ending,
                               Control& control) {
  ExitStatus exit = collect(container);
  const auto killed = ending.kill_all();
  constexpr int kDiskPatience = 2000;
  log_writer.finish(kDiskPatience);
  // What is not told yet: there is nobody to wait for the kernel's word any more.
  const OomReport untold = ending.oom().look(container.host_pid);
  if (untold.kills > 0) journal.tell_oom(untold);
  exit.oom = ending.oom().whole();
  exit.log_bytes_dropped = log_writer.dropped();
  // Before the record of the end, without which the container is found lost: it is told of then, unless it was here.
  journal.tell_end(exit);
  const ExitText text = format_exit(exit);
  const auto recorded = remove ? Result<void>() : write_exit(ending.state(), text);
  const auto withdrawn = ending.ports().withdraw();
  const auto cgroups = ending.remove_cgroups();
  const auto removed = remove ? ending.remove_container(&journal) : Result<void>();
  const Fd spare = ending.take_spare();
  const int left[] = {spare.get(), launch::kIdRangeFd};
  control.announce_exit(sys::Text<1056>("exited ", text.c_str()).c_str(), left, spare ? 2 : 0);
  return recorded && killed && withdrawn && cgroups && removed ? 0 : 1;
}

}  // namespace

int supervise(const Plan& plan, const PlanMemory& memory) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  signal(SIGPIPE, SIG_IGN);

  static Control control{Fd(launch::kLeashFd)};
  Fd launching(launch::kLaunchFd);
  Progress progress;
  progress.timings = make_timings(plan);
  Ending ending;
  Container container;
  Failure failure;
  const Birth birth = come_to_life(plan, ending, control, container, failure, progress, launching);
  if (birth == Birth::kCalledOff) return 1;
  if (birth == Birth::kFailed) return give_up(plan, ending, control, failure);

  log_writer.configure(ending.container(), plan.logs);
  static Carrier carrier(control, log_writer);
  carrier.open(std::move(container.ends), plan);
  control.handler({[](void* self, const Request& request) {
                     auto answer = static_cast<Carrier*>(self)->answer(request);
                     constexpr char kDone[] = "attached 0";
                     if (strncmp(answer.c_str(), kDone, sizeof kDone - 1) == 0)
                       journal.tell("attach");
                     return answer;
                   },
                   &carrier});
  control.journal(journal);
  progress.at("running");
  tell_timings(progress.timings, control);
  const sys::Text<48> running("running ", container.host_pid);
  control.set_status(running.c_str());
  container.go.reset();
  container.report.reset();

  const bool remove = plan.remove_when_done;
  // Without it the end can still be recorded if the disk has room then.
  if (!remove) (void)reserve_exit(ending.state());
  OomWatch oom(ending.oom(), journal, container.host_pid);
  Staying staying{memory, oom, hold_mounts(plan, container.host_pid)};
  const OnceItStays later{[](void* self) { static_cast<Staying*>(self)->settle_down(); }, &staying};
  const bool nobody_elses = plan.rootfs.reusable;
  if (!nobody_elses) staying.settle_down();
  watch(container, control, carrier, &oom, nobody_elses ? &later : nullptr);
  return conclude(remove, container, ending, control);
}

}  // namespace berth::init
