#include "launch/cgroup.h"

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

}  // namespace

std::vector<Setting> v1_settings(const Limits& limits) {
  std::vector<Setting> settings;
  if (limits.memory)
    settings.push_back(
        {"memory", "memory.limit_in_bytes", std::to_string(*limits.memory), "memory"});
  if (limits.memory_swap)
    settings.push_back({"memory", "memory.memsw.limit_in_bytes",
                        std::to_string(*limits.memory_swap), "memory and swap"});
  if (limits.pids)
    settings.push_back({"pids", "pids.max", *limits.pids < 0 ? "max" : std::to_string(*limits.pids),
                        "number of processes"});
  // The period first: the quota is checked against it.
  if (limits.cpu_period)
    settings.push_back(
        {"cpu", "cpu.cfs_period_us", std::to_string(*limits.cpu_period), "CPU period"});
  if (limits.cpu_quota)
    settings.push_back({"cpu", "cpu.cfs_quota_us", std::to_string(*limits.cpu_quota), "CPU quota"});
  if (limits.cpu_shares)
    settings.push_back({"cpu", "cpu.shares", std::to_string(*limits.cpu_shares), "CPU shares"});
  for (const DeviceRule& rule : limits.devices) {
    settings.push_back({"devices", rule.allow ? "devices.allow" : "devices.deny", rule_text(rule),
                        "device access"});
  }
  return settings;
}

}  // namespace berth::launch
