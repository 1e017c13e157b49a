#include "sys/sampler_cgroup.h"

#include <fcntl.h>

#include <optional>

#include "sys/proc_fields.h"

namespace berth::sys {
namespace {

constexpr double kNanosecond = 1e-9, kMicrosecond = 1e-6;

double scaled(std::optional<uint64_t> value, double unit) {
  return value ? static_cast<double>(*value) * unit : kUnknown;
}

/// One file below a cgroup; empty where it is not there, which is how a controller says that it is
/// not counting.
std::string_view content(const std::string& directory, const char* name, ProcText& text) {
  auto found = text.read(AT_FDCWD, (directory + "/" + name).c_str());
  return found ? *found : std::string_view();
}

void read_memory(const SampledController& at, ProcText& text, TaskRow& row) {
  const bool old = at.version == 1;
  const auto number = [&](const char* name) {
    return scaled(only_number(content(at.directory, name, text)), 1);
  };
  row.memory = number(old ? "memory.usage_in_bytes" : "memory.current");
  row.memory_limit = number(old ? "memory.limit_in_bytes" : "memory.max");
  // v1's plain counters leave out the cgroups below; its total_ ones, like v2's, count the subtree
  // as the usage does.
  row.inactive_file = scaled(keyed_number(content(at.directory, "memory.stat", text),
                                          old ? "total_inactive_file" : "inactive_file"),
                             1);
  // v1 has no limit as such, only the largest multiple of the page size that a signed long holds.
  if (old && row.memory_limit > 0x1p62) row.memory_limit = kUnknown;
}

/// CPU of a cgroup v2. Any of them tells it, also where the cpu controller is bound to v1
/// (cgroup-v2.rst, cpu.stat).
void read_unified_cpu(const std::string& directory, ProcText& text, TaskRow& row) {
  const std::string_view stat = content(directory, "cpu.stat", text);
  if (const auto usage = keyed_number(stat, "usage_usec")) row.cpu = scaled(usage, kMicrosecond);
  if (const auto throttled = keyed_number(stat, "throttled_usec"))
    row.throttled = scaled(throttled, kMicrosecond);
}

/// Time in which at least one thread waited for memory: the first line's total, in µs
/// (accounting/psi.rst).
double memory_stall(const std::string& directory, ProcText& text) {
  std::string_view pressure = content(directory, "memory.pressure", text);
  constexpr std::string_view kTotal = "total=";
  const size_t total = pressure.find(kTotal);
  if (total == std::string_view::npos) return kUnknown;
  pressure.remove_prefix(total + kTotal.size());
  return scaled(next_number(pressure), kMicrosecond);
}

}  // namespace

void read_cgroups(const SampledTask& task, ProcText& text, TaskRow& row) {
  if (!task.procs.empty()) {
    read_unified_cpu(task.procs, text, row);
    row.memory_stall = memory_stall(task.procs, text);
  }
  if (!task.cpu.directory.empty()) {
    if (task.cpu.version == 1) {
      row.throttled =
          scaled(keyed_number(content(task.cpu.directory, "cpu.stat", text), "throttled_time"),
                 kNanosecond);
    } else {
      read_unified_cpu(task.cpu.directory, text, row);
    }
  }
  if (!task.cpuacct.directory.empty()) {
    row.cpu =
        scaled(only_number(content(task.cpuacct.directory, "cpuacct.usage", text)), kNanosecond);
  }
  if (!task.memory.directory.empty()) {
    read_memory(task.memory, text, row);
    if (const double stall = memory_stall(task.memory.directory, text); stall == stall)
      row.memory_stall = stall;
  }
}

}  // namespace berth::sys
