#include "sys/sampler_process.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstdio>
#include <ctime>

#include "sys/proc_fields.h"

namespace berth::sys {
namespace {

constexpr double kNanosecond = 1e-9, kKilobyte = 1024;

/// The size of /proc/PID/fd is the number of descriptors since Linux 6.2; before, it is 0 and they
/// have to be counted.
double count_descriptors(int process) {
  struct stat about;
  if (fstatat(process, "fd", &about, 0) != 0) return kUnknown;
  if (about.st_size > 0) return static_cast<double>(about.st_size);
  auto directory = open_folder(process, "fd");
  if (!directory) return kUnknown;
  auto numbers = numbered_entries(directory->get());
  return numbers ? static_cast<double>(numbers->size()) : kUnknown;
}

void read_levels(int process, bool proportional, ProcText& text, ProcessRow& row) {
  if (auto found = text.read(process, "status")) {
    if (const auto status = parse_status(*found)) {
      row.inner_pid = status->inner_pid;
      if (status->resident) row.resident = static_cast<double>(*status->resident);
    }
  }
  row.descriptors = count_descriptors(process);
  if (proportional) {
    if (auto found = text.read(process, "smaps_rollup")) {
      if (const auto kilobytes = keyed_number(*found, "Pss:")) {
        row.proportional = static_cast<double>(*kilobytes) * kKilobyte;
      }
    }
  }
}

template <typename Row>
void set_io(Row& row, const std::optional<IoFields>& io) {
  if (!io) return;
  row.read_bytes = static_cast<double>(io->read);
  row.write_bytes = static_cast<double>(io->write);
}

void add_name(std::string& names, const std::string& name) {
  names += name;
  names += '\0';
}

/// The same waits as field 42 of stat in nanoseconds, and those for memory.
void set_delays(SamplerState& state, pid_t tid, ThreadRow& row) {
  if (!state.taskstats) return;
  auto delays = state.taskstats->delays(tid);
  if (!delays) return;
  row.block_io = static_cast<double>(delays->block_io) * kNanosecond;
  row.paging = static_cast<double>(delays->paging) * kNanosecond;
  row.reclaim = static_cast<double>(delays->reclaim) * kNanosecond;
}

bool read_thread(SamplerState& state, int tasks, size_t process, pid_t tid, bool with_io,
                 Snapshot& snapshot) {
  KeptThread& kept = state.threads[tid];
  auto found = kept.stat.read(tasks, tid, "stat", state.text, state.budget);
  const auto stat = found ? parse_stat(*found) : std::nullopt;
  if (!stat) return false;
  const auto seconds = [&](uint64_t ticks) {
    return static_cast<double>(ticks) * state.seconds_per_tick;
  };

  ThreadRow row;
  row.at = boot_seconds();
  row.process = static_cast<double>(process);
  row.tid = tid;
  row.start = seconds(stat->started);
  row.state = stat->state;
  row.user = seconds(stat->user);
  row.system = seconds(stat->system);
  row.major_faults = static_cast<double>(stat->major_faults);
  if (state.delay_accounting) {
    row.block_io = seconds(stat->block_io);
    set_delays(state, tid, row);
  }
  if (auto text = kept.schedstat.read(tasks, tid, "schedstat", state.text, state.budget)) {
    if (const auto sched = parse_schedstat(*text)) {
      row.on_cpu = static_cast<double>(sched->on_cpu) * kNanosecond;
      row.waiting = static_cast<double>(sched->waiting) * kNanosecond;
    }
  }
  if (auto text = kept.status.read(tasks, tid, "status", state.text, state.budget)) {
    if (const auto status = parse_status(*text)) {
      row.voluntary = static_cast<double>(status->voluntary);
      row.involuntary = static_cast<double>(status->involuntary);
    }
  }
  if (with_io) {
    if (auto text = kept.io.read(tasks, tid, "io", state.text, state.budget))
      set_io(row, parse_io(*text));
  }
  snapshot.threads.push_back(row);
  add_name(snapshot.thread_names, stat->name);
  return true;
}

}  // namespace

double boot_seconds() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * kNanosecond;
}

Result<std::string_view> KeptFile::read(int tasks, pid_t tid, const char* name, ProcText& text,
                                        DescriptorBudget& budget) {
  if (file_) {
    if (auto found = text.read(file_.get())) return found;
    file_.reset();
  }
  char path[48];
  snprintf(path, sizeof path, "%d/%s", tid, name);
  BERTH_ASSIGN(Fd file, adopt(openat(tasks, path, O_RDONLY | O_CLOEXEC), "openat"));
  auto found = text.read(file.get());
  if (found && budget.take()) file_ = std::move(file);
  return found;
}

void read_process(SamplerState& state, size_t task, pid_t pid, const ProcessDetail& detail,
                  Snapshot& snapshot) {
  char path[16];
  snprintf(path, sizeof path, "%d", pid);
  auto directory = open_folder(state.proc, path);
  if (!directory) return;
  auto found = state.text.read(directory->get(), "stat");
  const auto stat = found ? parse_stat(*found) : std::nullopt;
  if (!stat) return;

  ProcessRow row;
  row.at = boot_seconds();
  row.task = static_cast<double>(task);
  row.pid = pid;
  row.start = static_cast<double>(stat->started) * state.seconds_per_tick;
  row.state = stat->state;
  row.threads = static_cast<double>(stat->threads);
  row.user = static_cast<double>(stat->user) * state.seconds_per_tick;
  row.system = static_cast<double>(stat->system) * state.seconds_per_tick;
  row.major_faults = static_cast<double>(stat->major_faults);
  if (auto text = state.text.read(directory->get(), "io")) set_io(row, parse_io(*text));
  if (detail.levels) read_levels(directory->get(), detail.proportional, state.text, row);

  const size_t index = snapshot.processes.size();
  snapshot.processes.push_back(row);
  add_name(snapshot.process_names, stat->name);

  auto tasks = open_folder(directory->get(), "task");
  if (!tasks) return;
  auto tids = numbered_entries(tasks->get());
  if (!tids) return;
  for (const pid_t tid : *tids) {
    if (!read_thread(state, tasks->get(), index, tid, detail.thread_io, snapshot))
      state.threads.erase(tid);
  }
}

}  // namespace berth::sys
