#include "launch/setting.h"

namespace berth::launch {
namespace {

std::string number_or_star(const std::optional<uint32_t>& number) {
  return number ? std::to_string(*number) : "*";
}

std::string rule_text(const DeviceRule& rule) {
  if (rule.type == 'a') return "a";
  std::string text = std::string(1, rule.type) + " " + number_or_star(rule.major) + ":" +
                     number_or_star(rule.minor) + " ";
  if (rule.read) text += 'r';
  if (rule.write) text += 'w';
  if (rule.make) text += 'm';
  return text;
}

void add_memory(const Limits& limits, std::vector<Setting>& settings) {
  const auto add = [&](const char* file, int64_t value, const char* meaning) {
    settings.push_back({"memory", file, std::to_string(value), meaning, value < 0});
  };
  // Memory first: both together are never less.
  if (limits.memory) add("memory.limit_in_bytes", *limits.memory, "memory");
  if (limits.memory_swap)
    add("memory.memsw.limit_in_bytes", *limits.memory_swap, "memory and swap");
  if (limits.memory_reservation)
    add("memory.soft_limit_in_bytes", *limits.memory_reservation, "memory reservation");
  if (limits.tcp_memory) add("memory.kmem.tcp.limit_in_bytes", *limits.tcp_memory, "memory of TCP");
  if (limits.swappiness)
    settings.push_back(
        {"memory", "memory.swappiness", std::to_string(*limits.swappiness), "swappiness"});
  if (limits.disable_oom_killer)
    settings.push_back({"memory", "memory.oom_control", "1", "the OOM killer"});
}

void add_cpu(const Limits& limits, std::vector<Setting>& settings) {
  const auto add = [&](const char* file, auto value, const char* meaning) {
    settings.push_back({"cpu", file, std::to_string(value), meaning});
  };
  if (limits.cpu_shares) add("cpu.shares", *limits.cpu_shares, "CPU shares");
  // The period first: the quota is checked against it, and the burst against the quota.
  if (limits.cpu_period) add("cpu.cfs_period_us", *limits.cpu_period, "CPU period");
  if (limits.cpu_quota) add("cpu.cfs_quota_us", *limits.cpu_quota, "CPU quota");
  if (limits.cpu_burst) add("cpu.cfs_burst_us", *limits.cpu_burst, "CPU burst");
  if (limits.rt_period) add("cpu.rt_period_us", *limits.rt_period, "real-time CPU period");
  if (limits.rt_runtime) add("cpu.rt_runtime_us", *limits.rt_runtime, "real-time CPU time");
  // Last: while it is on, the kernel takes no shares.
  if (limits.cpu_idle) add("cpu.idle", *limits.cpu_idle, "idle CPU time");
  if (!limits.cpus.empty())
    settings.push_back({"cpuset", "cpuset.cpus", limits.cpus, "the CPUs to run on"});
  if (!limits.memory_nodes.empty())
    settings.push_back({"cpuset", "cpuset.mems", limits.memory_nodes, "the memory nodes"});
}

void add_io(const IoLimits& io, std::vector<Setting>& settings) {
  // BFQ is the one scheduler that still has weights on v1; leaf weights went with CFQ (Linux 5.0).
  const auto add = [&](const char* file, const std::string& value, const char* meaning,
                       const char* or_file = "") {
    settings.push_back({"blkio", file, value, meaning, false, or_file, value});
  };
  const auto on_device = [](const DeviceNumber& device, uint64_t value) {
    return std::to_string(device.major) + ":" + std::to_string(device.minor) + " " +
           std::to_string(value);
  };
  if (io.weight) add("blkio.bfq.weight", std::to_string(*io.weight), "I/O weight", "blkio.weight");
  if (io.leaf_weight) add("blkio.leaf_weight", std::to_string(*io.leaf_weight), "I/O leaf weight");
  for (const auto& each : io.weights) {
    if (each.weight)
      add("blkio.bfq.weight_device", on_device(each.device, *each.weight), "I/O weight of a disk",
          "blkio.weight_device");
    if (each.leaf_weight)
      add("blkio.leaf_weight_device", on_device(each.device, *each.leaf_weight),
          "I/O leaf weight of a disk");
  }
  const auto throttle = [&](const char* file, const char* meaning,
                            const std::vector<DeviceRate>& rates) {
    for (const auto& each : rates) add(file, on_device(each.device, each.rate), meaning);
  };
  throttle("blkio.throttle.read_bps_device", "bytes read a second", io.read_bytes);
  throttle("blkio.throttle.write_bps_device", "bytes written a second", io.write_bytes);
  throttle("blkio.throttle.read_iops_device", "reads a second", io.read_operations);
  throttle("blkio.throttle.write_iops_device", "writes a second", io.write_operations);
}

}  // namespace

std::vector<Setting> v1_settings(const Limits& limits) {
  std::vector<Setting> settings;
  add_memory(limits, settings);
  if (limits.pids)
    settings.push_back({"pids", "pids.max", *limits.pids < 0 ? "max" : std::to_string(*limits.pids),
                        "number of processes"});
  add_cpu(limits, settings);
  add_io(limits.io, settings);
  for (const auto& each : limits.hugepages) {
    const std::string value = std::to_string(each.bytes),
                      meaning = "huge pages of " + each.page_size;
    settings.push_back(
        {"hugetlb", "hugetlb." + each.page_size + ".limit_in_bytes", value, meaning});
    settings.push_back(
        {"hugetlb", "hugetlb." + each.page_size + ".rsvd.limit_in_bytes", value, meaning, true});
  }
  if (limits.network_class)
    settings.push_back(
        {"net_cls", "net_cls.classid", std::to_string(*limits.network_class), "network class"});
  for (const auto& each : limits.network_priorities)
    settings.push_back({"net_prio", "net_prio.ifpriomap",
                        each.first + " " + std::to_string(each.second), "network priority"});
  for (const auto& each : limits.unified) {
    settings.push_back({"", each.first, each.second, each.first});
    settings.back().lacking = "it is a file of cgroup v2, and this host's controllers are on v1";
  }
  for (const DeviceRule& rule : limits.devices) {
    const std::string file = rule.allow ? "devices.allow" : "devices.deny";
    // The next rules of a kind are further lines of the same file, which is opened once.
    if (!settings.empty() && settings.back().file == file)
      settings.back().value += "\n" + rule_text(rule);
    else
      settings.push_back({"devices", file, rule_text(rule), "device access"});
  }
  return settings;
}

}  // namespace berth::launch
