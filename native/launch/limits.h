// What a container may use, taken from `linux.resources` of config.json (OCI runtime specification, config-linux.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace berth::launch {

struct DeviceRule {
  bool allow = false;
  char type = 'a';  // a, b or c
  std::optional<uint32_t> major, minor;
  bool read = false, write = false, make = false;
};

struct DeviceNumber {
  uint32_t major = 0, minor = 0;
  bool operator==(const DeviceNumber&) const = default;
};

/// Bytes or operations a second on one disk; 0: no limit.
struct DeviceRate {
  DeviceNumber device;
  uint64_t rate = 0;
};

/// 10 to 1000, as blkio had it.
struct DeviceWeight {
  DeviceNumber device;
  std::optional<uint64_t> weight, leaf_weight;
};

struct IoLimits {
  std::optional<uint64_t> weight, leaf_weight;
  std::vector<DeviceWeight> weights;
  std::vector<DeviceRate> read_bytes, write_bytes, read_operations, write_operations;
};

struct HugepageLimit {
  std::string page_size;  // as the kernel's file names have it, e.g. 2MB
  uint64_t bytes = 0;
};

/// Amounts are -1 for unlimited; what is absent is left as the kernel has it.
struct Limits {
  std::optional<int64_t> memory;              // bytes
  std::optional<int64_t> memory_swap;         // bytes of memory and swap together
  std::optional<int64_t> memory_reservation;  // bytes
  std::optional<int64_t> tcp_memory;          // bytes; v1
  std::optional<uint64_t> swappiness;         // 0 to 100; v1
  bool disable_oom_killer = false;            // v1
  std::optional<int64_t> pids;
  std::optional<int64_t> cpu_quota;    // µs in each period
  std::optional<uint64_t> cpu_period;  // µs
  std::optional<uint64_t> cpu_burst;   // µs that may be saved up beyond the quota
  std::optional<uint64_t> cpu_shares;  // v1 scale, 2 to 262144
  std::optional<int64_t> cpu_idle;     // 1: SCHED_IDLE for the whole cgroup
  std::optional<int64_t> rt_runtime;   // µs in each period; v1
  std::optional<uint64_t> rt_period;   // µs; v1
  std::string cpus, memory_nodes;      // lists such as 0-2,7
  IoLimits io;
  std::vector<HugepageLimit> hugepages;
  std::optional<uint32_t> network_class;                             // v1
  std::vector<std::pair<std::string, uint32_t>> network_priorities;  // by interface; v1
  std::vector<std::pair<std::string, std::string>> unified;          // file and content; v2
  std::vector<DeviceRule> devices;
};

}  // namespace berth::launch
