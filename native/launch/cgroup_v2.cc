#include "launch/setting.h"

#include <algorithm>

namespace berth::launch {
namespace {

std::string amount(int64_t value) { return value < 0 ? "max" : std::to_string(value); }

/// A weight of blkio, 10 to 1000, onto those of io.weight, 1 to 10000.
std::string io_weight(uint64_t weight) {
  return std::to_string(1 + (std::clamp<uint64_t>(weight, 10, 1000) - 10) * 9999 / 990);
}

std::string name_of(const DeviceNumber& device) {
  return std::to_string(device.major) + ":" + std::to_string(device.minor);
}

void refuse(std::vector<Setting>& settings, const char* meaning, const char* why) {
  settings.push_back({"", "", "", meaning});
  settings.back().lacking = why;
}

void add_memory(const Limits& limits, std::vector<Setting>& settings) {
  const auto add = [&](const char* file, int64_t value, const char* meaning) {
    settings.push_back({"memory", file, amount(value), meaning, value < 0});
  };
  if (limits.memory) add("memory.max", *limits.memory, "memory");
  if (limits.memory_swap) {
    // OCI counts memory and swap together, v2 swap alone.
    const int64_t swap = *limits.memory_swap < 0 || !limits.memory || *limits.memory < 0
                             ? *limits.memory_swap
                             : *limits.memory_swap - *limits.memory;
    add("memory.swap.max", swap, "swap");
  }
  if (limits.memory_reservation)
    add("memory.low", *limits.memory_reservation, "memory reservation");
  if (limits.swappiness)
    refuse(settings, "swappiness", "cgroup v2 has it for the whole host alone");
  if (limits.disable_oom_killer)
    refuse(settings, "the OOM killer", "cgroup v2 cannot switch it off");
  if (limits.tcp_memory)
    refuse(settings, "memory of TCP", "cgroup v2 counts it with all other memory");
}

void add_cpu(const Limits& limits, std::vector<Setting>& settings) {
  if (limits.cpu_shares) {
    // 2..262144 onto 1..10000, as the OCI runtime specification's implementations agreed.
    const uint64_t shares = std::clamp<uint64_t>(*limits.cpu_shares, 2, 262144);
    settings.push_back(
        {"cpu", "cpu.weight", std::to_string(1 + (shares - 2) * 9999 / 262142), "CPU shares"});
  }
  if (limits.cpu_quota || limits.cpu_period) {
    const std::string period = limits.cpu_period ? " " + std::to_string(*limits.cpu_period) : "";
    settings.push_back(
        {"cpu", "cpu.max", amount(limits.cpu_quota.value_or(-1)) + period, "CPU quota"});
  }
  if (limits.cpu_burst)
    settings.push_back({"cpu", "cpu.max.burst", std::to_string(*limits.cpu_burst), "CPU burst"});
  // Last: while it is on, the kernel takes no weight.
  if (limits.cpu_idle)
    settings.push_back({"cpu", "cpu.idle", std::to_string(*limits.cpu_idle), "idle CPU time"});
  if (limits.rt_runtime || limits.rt_period)
    refuse(settings, "real-time CPU time", "cgroup v2 has no limit on it");
  if (!limits.cpus.empty())
    settings.push_back({"cpuset", "cpuset.cpus", limits.cpus, "the CPUs to run on"});
  if (!limits.memory_nodes.empty())
    settings.push_back({"cpuset", "cpuset.mems", limits.memory_nodes, "the memory nodes"});
}

void add_io(const IoLimits& io, std::vector<Setting>& settings) {
  // BFQ brings weights of its own; io.weight is the cost model's, which has another scale.
  const auto add_weight = [&](const std::string& device, uint64_t weight, const char* meaning) {
    settings.push_back({"io", "io.bfq.weight", device + " " + std::to_string(weight), meaning,
                        false, "io.weight", device + " " + io_weight(weight)});
  };
  if (io.weight) add_weight("default", *io.weight, "I/O weight");
  bool leaf = io.leaf_weight.has_value();
  for (const auto& each : io.weights) {
    if (each.weight) add_weight(name_of(each.device), *each.weight, "I/O weight of a disk");
    leaf |= each.leaf_weight.has_value();
  }
  if (leaf) refuse(settings, "I/O leaf weight", "cgroup v2 has none");
  const auto throttle = [&](const char* key, const char* meaning,
                            const std::vector<DeviceRate>& rates) {
    for (const auto& each : rates) {
      settings.push_back({"io", "io.max",
                          name_of(each.device) + " " + key + "=" +
                              (each.rate == 0 ? "max" : std::to_string(each.rate)),
                          meaning});
    }
  };
  throttle("rbps", "bytes read a second", io.read_bytes);
  throttle("wbps", "bytes written a second", io.write_bytes);
  throttle("riops", "reads a second", io.read_operations);
  throttle("wiops", "writes a second", io.write_operations);
}

}  // namespace

std::vector<Setting> v2_settings(const Limits& limits) {
  std::vector<Setting> settings;
  add_memory(limits, settings);
  if (limits.pids)
    settings.push_back({"pids", "pids.max", amount(*limits.pids), "number of processes"});
  add_cpu(limits, settings);
  add_io(limits.io, settings);
  for (const auto& each : limits.hugepages) {
    const std::string value = std::to_string(each.bytes),
                      meaning = "huge pages of " + each.page_size;
    settings.push_back({"hugetlb", "hugetlb." + each.page_size + ".max", value, meaning});
    settings.push_back(
        {"hugetlb", "hugetlb." + each.page_size + ".rsvd.max", value, meaning, true});
  }
  if (limits.network_class) refuse(settings, "network class", "cgroup v2 has none");
  if (!limits.network_priorities.empty())
    refuse(settings, "network priority", "cgroup v2 has none");
  // The last word: whoever names a file knows the kernel's own words.
  for (const auto& each : limits.unified) {
    const std::string prefix = each.first.substr(0, each.first.find('.'));
    settings.push_back({prefix == "cgroup" ? "" : prefix, each.first, each.second, each.first});
  }
  return settings;
}

}  // namespace berth::launch
