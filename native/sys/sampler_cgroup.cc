#include "sys/sampler_cgroup.h"

#include <fcntl.h>
#include <unistd.h>

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

void read_memory(const SampledController& at, ProcText& text, TaskRow& row, UsageRow* usage) {
  const bool old = at.version == 1;
  const auto number = [&](const char* name) {
    return scaled(only_number(content(at.directory, name, text)), 1);
  };
  row.memory = number(old ? "memory.usage_in_bytes" : "memory.current");
  row.memory_limit = number(old ? "memory.limit_in_bytes" : "memory.max");
  // v1's plain counters leave out the cgroups below; its total_ ones, like v2's, count the subtree
  // as the usage does.
  const std::string_view stat = content(at.directory, "memory.stat", text);
  const auto part = [&](const char* v1, const char* v2) {
    return scaled(keyed_number(stat, old ? v1 : v2), 1);
  };
  row.inactive_file = part("total_inactive_file", "inactive_file");
  if (usage != nullptr) {
    usage->anonymous = part("total_rss", "anon");
    usage->file = part("total_cache", "file");
    usage->mapped = part("total_mapped_file", "file_mapped");
    if (old) usage->swap = scaled(keyed_number(stat, "total_swap"), 1);
  }
  // v1 has no limit as such, only the largest multiple of the page size that a signed long holds.
  if (old && row.memory_limit > 0x1p62) row.memory_limit = kUnknown;
}

void read_periods(std::string_view stat, UsageRow& usage) {
  if (const auto all = keyed_number(stat, "nr_periods")) usage.periods = scaled(all, 1);
  if (const auto some = keyed_number(stat, "nr_throttled"))
    usage.throttled_periods = scaled(some, 1);
}

/// v1 tells user and system time apart in USER_HZ, 100 of which are a second whatever the kernel's own clock (sysconf(3)).
void read_v1_times(const std::string& directory, ProcText& text, UsageRow& usage) {
  const double tick = 1.0 / static_cast<double>(sysconf(_SC_CLK_TCK));
  const std::string_view stat = content(directory, "cpuacct.stat", text);
  usage.user = scaled(keyed_number(stat, "user"), tick);
  usage.system = scaled(keyed_number(stat, "system"), tick);
}

/// CPU of a cgroup v2. Any of them tells it, also where the cpu controller is bound to v1
/// (cgroup-v2.rst, cpu.stat).
void read_unified_cpu(const std::string& directory, ProcText& text, TaskRow& row, UsageRow* usage) {
  const std::string_view stat = content(directory, "cpu.stat", text);
  if (usage != nullptr) {
    if (const auto user = keyed_number(stat, "user_usec")) usage->user = scaled(user, kMicrosecond);
    if (const auto system = keyed_number(stat, "system_usec"))
      usage->system = scaled(system, kMicrosecond);
    read_periods(stat, *usage);
  }
  if (const auto both = keyed_number(stat, "usage_usec")) row.cpu = scaled(both, kMicrosecond);
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

void read_cgroups(const SampledTask& task, ProcText& text, TaskRow& row, UsageRow* usage) {
  if (!task.procs.empty()) {
    read_unified_cpu(task.procs, text, row, usage);
    row.memory_stall = memory_stall(task.procs, text);
  }
  if (!task.cpu.directory.empty()) {
    if (task.cpu.version == 1) {
      const std::string_view stat = content(task.cpu.directory, "cpu.stat", text);
      row.throttled = scaled(keyed_number(stat, "throttled_time"), kNanosecond);
      if (usage != nullptr) read_periods(stat, *usage);
    } else {
      read_unified_cpu(task.cpu.directory, text, row, usage);
    }
  }
  if (!task.cpuacct.directory.empty()) {
    row.cpu =
        scaled(only_number(content(task.cpuacct.directory, "cpuacct.usage", text)), kNanosecond);
    // The unified hierarchy has told it more exactly where there is one.
    if (usage != nullptr && usage->user != usage->user)
      read_v1_times(task.cpuacct.directory, text, *usage);
  }
  if (!task.memory.directory.empty()) {
    read_memory(task.memory, text, row, usage);
    if (const double stall = memory_stall(task.memory.directory, text); stall == stall)
      row.memory_stall = stall;
  }
}

}  // namespace berth::sys
