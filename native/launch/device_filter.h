// Access to devices on cgroup v2, where a BPF program decides (BPF_PROG_TYPE_CGROUP_DEVICE, Linux 4.15).
#pragma once

#include <vector>

#include "launch/limits.h"
#include "sys/result.h"

namespace berth::launch {

/// One BPF instruction (linux/bpf.h, struct bpf_insn).
struct BpfInstruction {
  uint8_t code;
  uint8_t registers;  // destination in the low half, source in the high
  int16_t offset;
  int32_t immediate;
};

/// The program that `rules` come to: the last rule that fits an access decides, and what none fits is denied.
std::vector<BpfInstruction> device_program(const std::vector<DeviceRule>& rules);

/// Loads the program and attaches it to the cgroup.
sys::Result<void> attach_device_filter(int cgroup, const std::vector<DeviceRule>& rules);

}  // namespace berth::launch
