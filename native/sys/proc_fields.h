// The fields of /proc/PID/* that the sampler needs, parsed from text in memory: no system call
// here.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace berth::sys {

/// From /proc/PID/stat or /proc/PID/task/TID/stat (proc_pid_stat(5)). Times in clock ticks.
struct StatFields {
  std::string name;  // field 2; may hold any byte but NUL
  char state = 0;
  pid_t parent = 0;
  uint64_t major_faults = 0, user = 0, system = 0, threads = 0, started = 0;
  uint64_t block_io = 0;  // field 42: stays 0 while kernel.task_delayacct is off
};

/// From schedstat (kernel Documentation/scheduler/sched-stats.rst), nanoseconds.
struct SchedFields {
  uint64_t on_cpu = 0, waiting = 0;
};

/// From status. Sizes in bytes; absent in a zombie, which has no memory any more.
struct StatusFields {
  pid_t inner_pid = 0;  // the last number of NSpid: the pid in the process's own namespace
  std::optional<uint64_t> resident;
  uint64_t voluntary = 0, involuntary = 0;
};

/// From io: bytes that reached or were caused to reach the storage layer. `write` leaves out what
/// was truncated before.
struct IoFields {
  uint64_t read = 0, write = 0;
};

/// Each answers nothing when the text does not have the kernel's form.
std::optional<StatFields> parse_stat(std::string_view text);
std::optional<SchedFields> parse_schedstat(std::string_view text);
std::optional<StatusFields> parse_status(std::string_view text);
std::optional<IoFields> parse_io(std::string_view text);

/// The number after `key` at the start of a line, as in memory.stat, cpu.stat, status and
/// smaps_rollup.
std::optional<uint64_t> keyed_number(std::string_view text, std::string_view key);

/// The whole text as one number; nothing for "max".
std::optional<uint64_t> only_number(std::string_view text);

/// Takes the next number of `text`, skipping blanks before it.
std::optional<uint64_t> next_number(std::string_view& text);

}  // namespace berth::sys
