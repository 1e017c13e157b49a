#include "sys/sampler.h"

#include <fcntl.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <ctime>

#include "sys/proc_fields.h"
#include "sys/sampler_cgroup.h"
#include "sys/sampler_members.h"
#include "sys/sampler_process.h"
#include "sys/sampler_usage.h"

namespace berth::sys {
namespace {

/// The kernel keeps a page for each open file of this kind, so this many cost 32 MB for the length
/// of an interval.
constexpr rlim_t kMostKept = 8192;

size_t descriptor_budget() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  // Half for the rest of the program, which goes on meanwhile.
  return static_cast<size_t>(std::min(limit.rlim_cur / 2, kMostKept));
}

double seconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

void sleep_until(double at) {
  timespec until{};
  double whole = 0;
  until.tv_nsec = static_cast<long>(std::modf(at, &whole) * 1e9);
  until.tv_sec = static_cast<time_t>(whole);
  // Answers the error, rather than setting errno (clock_nanosleep(2)).
  while (clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &until, nullptr) == EINTR) {
  }
}

Result<Snapshot> look(SamplerState& state, const SampleRequest& request, bool last) {
  Snapshot snapshot;
  for (size_t index = 0; index < request.tasks.size(); ++index) {
    const SampledTask& task = request.tasks[index];
    TaskRow row;
    UsageRow usage;
    row.at = boot_seconds();
    read_cgroups(task, state.text, row, request.usage ? &usage : nullptr);
    snapshot.tasks.push_back(row);
    if (request.usage) {
      BERTH_TRY(read_usage(state.proc, task, state.text, usage));
      snapshot.usage.push_back(usage);
      continue;
    }
    BERTH_ASSIGN(const auto pids, members(state.proc, task, state.text));
    const ProcessDetail detail{task.thread_io, last, last && request.proportional_memory};
    for (const pid_t pid : pids) read_process(state, index, pid, detail, snapshot);
  }
  return snapshot;
}

}  // namespace

Result<Sampling> sample(const SampleRequest& request) {
  const double cost_start = seconds(CLOCK_THREAD_CPUTIME_ID);
  BERTH_ASSIGN(const Fd proc, open_folder(AT_FDCWD, "/proc"));
  SamplerState state{.proc = proc.get(),
                     .seconds_per_tick = 1.0 / static_cast<double>(sysconf(_SC_CLK_TCK)),
                     .delay_accounting = false,
                     .taskstats = {},
                     .budget = DescriptorBudget(request.interval > 0 ? descriptor_budget() : 0),
                     .text = {},
                     .threads = {}};
  if (auto found = state.text.read(proc.get(), "sys/kernel/task_delayacct")) {
    state.delay_accounting = only_number(*found) == 1;
  }
  if (state.delay_accounting) {
    if (auto socket = Taskstats::open()) state.taskstats = std::move(*socket);
  }

  Sampling sampling;
  sampling.delay_accounting = state.delay_accounting;
  const double start = boot_seconds();
  if (request.interval > 0) {
    BERTH_ASSIGN(Snapshot first, look(state, request, false));
    sampling.snapshots.push_back(std::move(first));
    sleep_until(start + request.interval);
  }
  BERTH_ASSIGN(Snapshot last, look(state, request, true));
  sampling.snapshots.push_back(std::move(last));
  sampling.boot_realtime = seconds(CLOCK_REALTIME) - boot_seconds();
  sampling.cost_cpu = seconds(CLOCK_THREAD_CPUTIME_ID) - cost_start;
  return sampling;
}

}  // namespace berth::sys
