#include "launch/cgroup.h"

namespace berth::launch {

std::vector<Setting> v2_settings(const Limits& limits) {
  std::vector<Setting> settings;
  const auto amount = [](int64_t value) {
    return value < 0 ? std::string("max") : std::to_string(value);
  };
  if (limits.memory) settings.push_back({"memory", "memory.max", amount(*limits.memory), "memory"});
  if (limits.memory_swap) {
    // OCI counts memory and swap together, v2 swap alone.
    const int64_t swap = *limits.memory_swap < 0 || !limits.memory || *limits.memory < 0
                             ? *limits.memory_swap
                             : *limits.memory_swap - *limits.memory;
    settings.push_back({"memory", "memory.swap.max", amount(swap), "swap"});
  }
  if (limits.pids)
    settings.push_back({"pids", "pids.max", amount(*limits.pids), "number of processes"});
  if (limits.cpu_quota || limits.cpu_period) {
    const std::string period = limits.cpu_period ? " " + std::to_string(*limits.cpu_period) : "";
    settings.push_back(
        {"cpu", "cpu.max", amount(limits.cpu_quota.value_or(-1)) + period, "CPU quota"});
  }
  if (limits.cpu_shares && *limits.cpu_shares > 0) {
    // 2..262144 onto 1..10000, as the OCI runtime specification's implementations agreed.
    const uint64_t weight = 1 + (*limits.cpu_shares - 2) * 9999 / 262142;
    settings.push_back({"cpu", "cpu.weight", std::to_string(weight), "CPU shares"});
  }
  return settings;
}

}  // namespace berth::launch
