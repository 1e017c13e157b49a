// Reading one process and its threads, keeping the threads' files open for the next look.
#pragma once

#include <sys/types.h>

#include <optional>
#include <unordered_map>

#include "sys/fd.h"
#include "sys/proc_file.h"
#include "sys/sampler.h"
#include "sys/taskstats.h"

namespace berth::sys {

/// How many more descriptors may stay open between two looks.
class DescriptorBudget {
 public:
  explicit DescriptorBudget(size_t left) : left_(left) {}
  bool take() { return left_ > 0 && left_-- > 0; }

 private:
  size_t left_;
};

/// One file of a thread, opened at the first look and read again at the second: a third of the cost
/// of opening it again. A kept descriptor stays with its thread: after that thread's end it fails
/// with ESRCH, whoever has its number then.
class KeptFile {
 public:
  Result<std::string_view> read(int tasks, pid_t tid, const char* name, ProcText& text,
                                DescriptorBudget& budget);

 private:
  Fd file_;
};

struct KeptThread {
  KeptFile stat, schedstat, status, io;
};

/// Everything that stays open between two looks, and what the looks share.
struct SamplerState {
  int proc;
  double seconds_per_tick;
  bool delay_accounting;
  // Opened only with delay accounting: it tells nothing else that /proc does not.
  std::optional<Taskstats> taskstats;
  DescriptorBudget budget;
  ProcText text;
  // By tid, which no two threads of one procfs share.
  std::unordered_map<pid_t, KeptThread> threads;
};

/// What to read of a process besides its counters.
struct ProcessDetail {
  bool thread_io;
  bool levels;        // sizes, descriptors, inner pid: only the last look needs them
  bool proportional;  // smaps_rollup, which costs as much as fifty threads
};

/// Appends a process and its threads to the snapshot. A process that has gone is left out without a
/// word.
void read_process(SamplerState& state, size_t task, pid_t pid, const ProcessDetail& detail,
                  Snapshot& snapshot);

/// CLOCK_BOOTTIME in seconds, the clock that the kernel stamps starts with.
double boot_seconds();

}  // namespace berth::sys
