// What a container may use, taken from `linux.resources` of config.json (OCI runtime specification, config-linux.md).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace berth::launch {

struct DeviceRule {
  bool allow = false;
  char type = 'a';  // a, b or c
  std::optional<uint32_t> major, minor;
  bool read = false, write = false, make = false;
};

struct Limits {
  std::optional<int64_t> memory;       // bytes; -1 unlimited
  std::optional<int64_t> memory_swap;  // bytes of memory and swap together; -1 unlimited
  std::optional<int64_t> pids;         // -1 unlimited
  std::optional<int64_t> cpu_quota;    // µs in each period; -1 unlimited
  std::optional<uint64_t> cpu_period;  // µs
  std::optional<uint64_t> cpu_shares;  // v1 scale, 2 to 262144
  std::vector<DeviceRule> devices;
};

}  // namespace berth::launch
