#include "sys/sampler_usage.h"

#include <fcntl.h>

#include <algorithm>
#include <cstdio>
#include <optional>

#include "sys/proc_fields.h"
#include "sys/process.h"
#include "sys/sampler_members.h"

namespace berth::sys {
namespace {

constexpr double kMicrosecond = 1e-6;

std::string_view content(const std::string& directory, const char* name, ProcText& text) {
  if (directory.empty()) return {};
  auto found = text.read(AT_FDCWD, (directory + "/" + name).c_str());
  return found ? *found : std::string_view();
}

double known(std::optional<uint64_t> value) {
  return value ? static_cast<double>(*value) : kUnknown;
}

/// Takes the next line off the front.
bool next_line(std::string_view& text, std::string_view& line) {
  if (text.empty()) return false;
  const size_t end = text.find('\n');
  line = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return true;
}

/// The number after `key` anywhere in a line, as in `8:0 rbytes=1 wbytes=2`.
std::optional<uint64_t> number_after(std::string_view line, std::string_view key) {
  const size_t at = line.find(key);
  if (at == std::string_view::npos) return {};
  line.remove_prefix(at + key.size());
  return next_number(line);
}

void add(double& sum, std::optional<uint64_t> value) {
  if (value) sum = (sum == sum ? sum : 0) + static_cast<double>(*value);
}

/// Seconds in which at least one thread, or every one that could run, waited (accounting/psi.rst).
void read_pressure(const std::string& directory, const char* name, ProcText& text, double& some,
                   double& full) {
  std::string_view rest = content(directory, name, text), line;
  while (next_line(rest, line)) {
    const auto total = number_after(line, "total=");
    double& into = line.starts_with("some") ? some : full;
    if (total) into = static_cast<double>(*total) * kMicrosecond;
  }
}

/// All disks together. v1 counts only for those that joined its hierarchy.
void read_disks(const SampledController& io, ProcText& text, UsageRow& row) {
  std::string_view rest =
      content(io.directory,
              io.version == 1 ? "blkio.throttle.io_service_bytes_recursive" : "io.stat", text);
  std::string_view line;
  // A cgroup that has not touched a disk has no line: that is 0, where the file is there at all.
  if (rest.data() != nullptr) row.read_bytes = row.write_bytes = 0;
  while (next_line(rest, line)) {
    add(row.read_bytes, number_after(line, io.version == 1 ? " Read " : " rbytes="));
    add(row.write_bytes, number_after(line, io.version == 1 ? " Write " : " wbytes="));
  }
}

void add_process_io(int proc, pid_t pid, ProcText& text, UsageRow& row) {
  char path[24];
  snprintf(path, sizeof path, "%d/io", pid);
  auto found = text.read(proc, path);
  const auto io = found ? parse_io(*found) : std::nullopt;
  if (!io) return;
  add(row.read_bytes, io->read);
  add(row.write_bytes, io->write);
}

/// Every interface but the loopback (proc_pid_net(5), dev).
void read_network(int proc, const SampledTask& task, ProcText& text, UsageRow& row) {
  if (!task.own_network || task.pid <= 0) return;
  auto started = start_time(proc, task.pid);
  if (!started || *started != task.started) return;
  char path[32];
  snprintf(path, sizeof path, "%d/net/dev", task.pid);
  auto found = text.read(proc, path);
  if (!found) return;
  row.received = row.sent = 0;
  std::string_view rest = *found, line;
  while (next_line(rest, line)) {
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    std::string_view name = line.substr(0, colon);
    name.remove_prefix(std::min(name.find_first_not_of(' '), name.size()));
    if (name == "lo") continue;
    std::string_view numbers = line.substr(colon + 1);
    constexpr int kSentField = 8;
    for (int field = 0; field <= kSentField; ++field) {
      const auto value = next_number(numbers);
      if (field == 0) add(row.received, value);
      if (field == kSentField) add(row.sent, value);
    }
  }
}

}  // namespace

Result<void> read_usage(int proc, const SampledTask& task, ProcText& text, UsageRow& row) {
  // v1 has told it in memory.stat.
  if (task.memory.version != 1)
    row.swap = known(only_number(content(task.memory.directory, "memory.swap.current", text)));
  row.threads = known(only_number(content(task.pids.directory, "pids.current", text)));
  read_disks(task.io, text, row);
  read_network(proc, task, text, row);
  read_pressure(task.procs, "cpu.pressure", text, row.cpu_some, row.cpu_full);
  read_pressure(task.procs, "memory.pressure", text, row.memory_some, row.memory_full);
  read_pressure(task.procs, "io.pressure", text, row.io_some, row.io_full);
  const bool disks_known = row.read_bytes == row.read_bytes;
  BERTH_ASSIGN(const auto pids, members(proc, task, text));
  row.processes = static_cast<double>(pids.size());
  // Of those that live: what has ended took its account with it.
  for (const pid_t pid : pids) {
    if (!disks_known) add_process_io(proc, pid, text, row);
  }
  return {};
}

}  // namespace berth::sys
