// Raw counters of tasks, their processes and their threads, once or twice with an interval between.
// Only reads: it changes no setting of the kernel. What ends between two reads is left out; what
// the kernel does not tell is NaN.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include "sys/result.h"

namespace berth::sys {

inline constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

/// Where a controller accounts for a task; an empty directory means nowhere.
struct SampledController {
  std::string directory;
  int version = 2;
};

/// A task to look at. Its processes are those of the cgroup `procs` and of the cgroups below;
/// without one, those of the pid namespace of the process `pid` that started at `started` clock
/// ticks after boot.
struct SampledTask {
  pid_t pid = 0;
  uint64_t started = 0;
  std::string procs;
  SampledController memory, cpu, cpuacct, pids, io;
  bool own_network = false;  // its network namespace is not the host's
  bool thread_io = false;    // read the bytes read and written by each thread too
};

struct SampleRequest {
  std::vector<SampledTask> tasks;
  double interval = 0;  // seconds; 0 takes one snapshot
  bool proportional_memory = false;
  bool usage = false;  // of tasks as wholes, in place of their processes and threads
};

// Rows hold nothing but doubles, so that a table crosses into JavaScript as one array; k…Fields
// name them in order. Times are seconds, sizes bytes, counters run since the start of what they
// count; `at` and `start` are CLOCK_BOOTTIME.

struct TaskRow {
  double at = kUnknown;
  double cpu = kUnknown, throttled = kUnknown, memory_stall = kUnknown;
  double memory = kUnknown, inactive_file = kUnknown, memory_limit = kUnknown;
};
inline constexpr const char* kTaskFields[] = {
    "at", "cpu", "throttled", "memory_stall", "memory", "inactive_file", "memory_limit"};

struct ProcessRow {
  double at = kUnknown, task = kUnknown, pid = kUnknown, inner_pid = kUnknown, start = kUnknown;
  double state = kUnknown;  // the letter's character code
  double threads = kUnknown, user = kUnknown, system = kUnknown, major_faults = kUnknown;
  double resident = kUnknown, proportional = kUnknown, descriptors = kUnknown;
  double read_bytes = kUnknown, write_bytes = kUnknown;
};
inline constexpr const char* kProcessFields[] = {
    "at",       "task",         "pid",         "inner_pid",  "start",
    "state",    "threads",      "user",        "system",     "major_faults",
    "resident", "proportional", "descriptors", "read_bytes", "write_bytes"};

struct ThreadRow {
  double at = kUnknown, process = kUnknown, tid = kUnknown, start = kUnknown, state = kUnknown;
  double on_cpu = kUnknown, waiting = kUnknown, user = kUnknown, system = kUnknown;
  // Known only while kernel.task_delayacct is on. `paging` lies within `block_io` where the page is
  // read from storage.
  double block_io = kUnknown, paging = kUnknown, reclaim = kUnknown;
  double major_faults = kUnknown, voluntary = kUnknown, involuntary = kUnknown;
  double read_bytes = kUnknown, write_bytes = kUnknown;
};
inline constexpr const char* kThreadFields[] = {
    "at",           "process",   "tid",         "start",      "state",      "on_cpu",
    "waiting",      "user",      "system",      "block_io",   "paging",     "reclaim",
    "major_faults", "voluntary", "involuntary", "read_bytes", "write_bytes"};

/// A task as a whole. `threads` and `processes` are counts of now, as are the parts of its memory; pressure is in seconds, and
/// `periods` count those of a ceiling of CPU time.
struct UsageRow {
  double user = kUnknown, system = kUnknown, periods = kUnknown, throttled_periods = kUnknown;
  double anonymous = kUnknown, file = kUnknown, mapped = kUnknown, swap = kUnknown;
  double processes = kUnknown, threads = kUnknown;
  double read_bytes = kUnknown, write_bytes = kUnknown, received = kUnknown, sent = kUnknown;
  double cpu_some = kUnknown, cpu_full = kUnknown, memory_some = kUnknown, memory_full = kUnknown;
  double io_some = kUnknown, io_full = kUnknown;
};
inline constexpr const char* kUsageFields[] = {
    "user",     "system", "periods",   "throttled_periods", "anonymous",   "file",
    "mapped",   "swap",   "processes", "threads",           "read_bytes",  "write_bytes",
    "received", "sent",   "cpu_some",  "cpu_full",          "memory_some", "memory_full",
    "io_some",  "io_full"};

static_assert(sizeof(UsageRow) == std::size(kUsageFields) * sizeof(double));
static_assert(sizeof(TaskRow) == std::size(kTaskFields) * sizeof(double));
static_assert(sizeof(ProcessRow) == std::size(kProcessFields) * sizeof(double));
static_assert(sizeof(ThreadRow) == std::size(kThreadFields) * sizeof(double));

/// One look at everything. `task` and `process` in a row are indexes: of the request's tasks, of
/// `processes` here. The names of the processes and of the threads follow each other in the order
/// of the rows, each ended by a NUL.
struct Snapshot {
  std::vector<TaskRow> tasks;
  std::vector<UsageRow> usage;  // one for each task, where it was asked for
  std::vector<ProcessRow> processes;
  std::vector<ThreadRow> threads;
  std::string process_names, thread_names;
};

struct Sampling {
  std::vector<Snapshot> snapshots;
  double cost_cpu = 0;            // seconds of CPU that the sampling itself took
  double boot_realtime = 0;       // when CLOCK_BOOTTIME was 0, in seconds of the Unix epoch
  bool delay_accounting = false;  // kernel.task_delayacct: without it there is no block-I/O wait
};

/// Blocks the calling thread for the interval. Fails only where nothing can be read at all, e.g.
/// /proc is not there.
Result<Sampling> sample(const SampleRequest& request);

}  // namespace berth::sys
