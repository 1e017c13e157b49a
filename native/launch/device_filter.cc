#include "launch/device_filter.h"

#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>

#include "sys/fd.h"

namespace berth::launch {
namespace {

enum Register : uint8_t {
  kResult = 0,
  kContext = 1,
  kType = 2,
  kAccess = 3,
  kMajor = 4,
  kMinor = 5,
  kScratch = 6
};

BpfInstruction load(Register to, int16_t offset) {
  return {BPF_LDX | BPF_MEM | BPF_W, static_cast<uint8_t>(to | kContext << 4), offset, 0};
}
BpfInstruction set(Register to, int32_t value) {
  return {BPF_ALU64 | BPF_MOV | BPF_K, to, 0, value};
}
BpfInstruction copy(Register to, Register from) {
  return {BPF_ALU64 | BPF_MOV | BPF_X, static_cast<uint8_t>(to | from << 4), 0, 0};
}
BpfInstruction keep_bits(Register to, int32_t mask) {
  return {BPF_ALU | BPF_AND | BPF_K, to, 0, mask};
}
BpfInstruction shift_right(Register to, int32_t bits) {
  return {BPF_ALU | BPF_RSH | BPF_K, to, 0, bits};
}
BpfInstruction skip_unless_equal(Register left, int32_t value) {
  return {BPF_JMP | BPF_JNE | BPF_K, left, 0, value};
}
BpfInstruction skip_if_zero(Register left) { return {BPF_JMP | BPF_JEQ | BPF_K, left, 0, 0}; }
BpfInstruction leave() { return {BPF_JMP | BPF_EXIT, 0, 0, 0}; }

/// The instructions of one rule; a comparison that fails jumps behind them.
void append_rule(std::vector<BpfInstruction>& program, const DeviceRule& rule) {
  const size_t start = program.size();
  const auto compare = [&](Register left, uint32_t value) {
    program.push_back(skip_unless_equal(left, static_cast<int32_t>(value)));
  };
  if (rule.type != 'a') compare(kType, rule.type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
  const int32_t granted = (rule.read ? BPF_DEVCG_ACC_READ : 0) |
                          (rule.write ? BPF_DEVCG_ACC_WRITE : 0) |
                          (rule.make ? BPF_DEVCG_ACC_MKNOD : 0);
  constexpr int32_t kEverything = BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE | BPF_DEVCG_ACC_MKNOD;
  if (granted != kEverything && rule.type != 'a') {
    program.push_back(copy(kScratch, kAccess));
    if (rule.allow) {
      // Allowed only if nothing is asked for beyond what is granted.
      program.push_back(keep_bits(kScratch, kEverything & ~granted));
      compare(kScratch, 0);
    } else {
      // Denied if anything is asked for that is denied.
      program.push_back(keep_bits(kScratch, granted));
      program.push_back(skip_if_zero(kScratch));
    }
  }
  if (rule.type != 'a' && rule.major) compare(kMajor, *rule.major);
  if (rule.type != 'a' && rule.minor) compare(kMinor, *rule.minor);
  program.push_back(set(kResult, rule.allow ? 1 : 0));
  program.push_back(leave());
  for (size_t i = start; i < program.size(); ++i) {
    if (program[i].code == (BPF_JMP | BPF_JNE | BPF_K) ||
        program[i].code == (BPF_JMP | BPF_JEQ | BPF_K))
      program[i].offset = static_cast<int16_t>(program.size() - i - 1);
  }
}

long bpf(int command, bpf_attr& attributes) {
  return syscall(SYS_bpf, command, &attributes, sizeof attributes);
}

}  // namespace

std::vector<BpfInstruction> device_program(const std::vector<DeviceRule>& rules) {
  // struct bpf_cgroup_dev_ctx: access_type (access << 16 | type), major, minor
  std::vector<BpfInstruction> program = {load(kType, 0),           copy(kAccess, kType),
                                         keep_bits(kType, 0xffff), shift_right(kAccess, 16),
                                         load(kMajor, 4),          load(kMinor, 8)};
  for (auto rule = rules.rbegin(); rule != rules.rend(); ++rule) {
    append_rule(program, *rule);
    if (rule->type == 'a') return program;  // fits everything: no rule before it can matter
  }
  program.push_back(set(kResult, 0));
  program.push_back(leave());
  return program;
}

sys::Result<void> attach_device_filter(int cgroup, const std::vector<DeviceRule>& rules) {
  const auto program = device_program(rules);
  static_assert(sizeof(BpfInstruction) == sizeof(bpf_insn));
  bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attributes.insns = reinterpret_cast<uint64_t>(program.data());
  attributes.insn_cnt = static_cast<uint32_t>(program.size());
  attributes.license = reinterpret_cast<uint64_t>("Apache-2.0");
  BERTH_ASSIGN(const sys::Fd loaded, sys::adopt(bpf(BPF_PROG_LOAD, attributes), "bpf"));
  memset(&attributes, 0, sizeof attributes);
  attributes.target_fd = static_cast<uint32_t>(cgroup);
  attributes.attach_bpf_fd = static_cast<uint32_t>(loaded.get());
  attributes.attach_type = BPF_CGROUP_DEVICE;
  attributes.attach_flags = BPF_F_ALLOW_MULTI;
  if (bpf(BPF_PROG_ATTACH, attributes) != 0) return sys::last_error("bpf");
  return {};
}

}  // namespace berth::launch
