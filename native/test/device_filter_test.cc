#include "launch/device_filter.h"

#include <doctest/doctest.h>
#include <linux/bpf.h>

using namespace berth::launch;

namespace {

constexpr uint32_t kRead = BPF_DEVCG_ACC_READ, kWrite = BPF_DEVCG_ACC_WRITE,
                   kMake = BPF_DEVCG_ACC_MKNOD;

/// What the kernel would answer: runs the few instructions that the programs are made of. -1: something else, or no end.
int answer(const std::vector<BpfInstruction>& program, char type, uint32_t access, uint32_t major,
           uint32_t minor) {
  const uint32_t context[3] = {
      access << 16 | (type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR), major, minor};
  uint64_t registers[11] = {};
  for (size_t at = 0; at < program.size(); ++at) {
    const BpfInstruction& step = program[at];
    uint64_t& to = registers[step.registers & 15];
    const uint64_t from = registers[step.registers >> 4];
    switch (step.code) {
      case BPF_LDX | BPF_MEM | BPF_W:
        to = context[step.offset / 4];
        break;
      case BPF_ALU64 | BPF_MOV | BPF_K:
        to = static_cast<uint64_t>(static_cast<int64_t>(step.immediate));
        break;
      case BPF_ALU64 | BPF_MOV | BPF_X:
        to = from;
        break;
      case BPF_ALU | BPF_AND | BPF_K:
        to = static_cast<uint32_t>(to) & static_cast<uint32_t>(step.immediate);
        break;
      case BPF_ALU | BPF_RSH | BPF_K:
        to = static_cast<uint32_t>(to) >> step.immediate;
        break;
      case BPF_JMP | BPF_JNE | BPF_K:
        if (to != static_cast<uint64_t>(static_cast<int64_t>(step.immediate)))
          at += static_cast<size_t>(step.offset);
        break;
      case BPF_JMP | BPF_JEQ | BPF_K:
        if (to == static_cast<uint64_t>(static_cast<int64_t>(step.immediate)))
          at += static_cast<size_t>(step.offset);
        break;
      case BPF_JMP | BPF_EXIT:
        return static_cast<int>(registers[0]);
      default:
        return -1;
    }
  }
  return -1;
}

DeviceRule rule(bool allow, char type, std::optional<uint32_t> major, std::optional<uint32_t> minor,
                const char* access) {
  DeviceRule made;
  made.allow = allow;
  made.type = type;
  made.major = major;
  made.minor = minor;
  for (; *access != '\0'; ++access)
    (*access == 'r' ? made.read : *access == 'w' ? made.write : made.make) = true;
  return made;
}

const DeviceRule kDenyAll = rule(false, 'a', {}, {}, "rwm");

}  // namespace

TEST_CASE("no rule allows nothing, and deny comes to the same") {
  for (const auto& program : {device_program({}), device_program({kDenyAll})}) {
    CHECK(answer(program, 'c', kRead, 1, 3) == 0);
    CHECK(answer(program, 'b', kMake, 8, 0) == 0);
  }
  CHECK(answer(device_program({rule(true, 'a', {}, {}, "rwm")}), 'b', kRead | kWrite | kMake, 8,
               0) == 1);
}

TEST_CASE("the defaults: the usual nodes, any terminal, and making nodes that cannot be used") {
  const auto program =
      device_program({kDenyAll, rule(true, 'c', {}, {}, "m"), rule(true, 'b', {}, {}, "m"),
                      rule(true, 'c', 1, 3, "rwm"), rule(true, 'c', 136, {}, "rwm")});
  CHECK(answer(program, 'c', kRead | kWrite, 1, 3) == 1);
  CHECK(answer(program, 'c', kRead, 1, 1) == 0);
  CHECK(answer(program, 'c', kMake, 1, 1) == 1);
  CHECK(answer(program, 'c', kMake | kRead, 1, 1) == 0);
  CHECK(answer(program, 'b', kMake, 8, 0) == 1);
  CHECK(answer(program, 'b', kRead, 1, 3) == 0);
  CHECK(answer(program, 'c', kRead | kWrite, 136, 77) == 1);
}

TEST_CASE("a rule gives what it says and no more") {
  const auto program = device_program({kDenyAll, rule(true, 'c', 10, 200, "r")});
  CHECK(answer(program, 'c', kRead, 10, 200) == 1);
  CHECK(answer(program, 'c', kWrite, 10, 200) == 0);
  CHECK(answer(program, 'c', kRead | kWrite, 10, 200) == 0);
  CHECK(answer(program, 'c', kRead, 10, 201) == 0);
  // Large numbers are compared as what they are.
  const auto large = device_program({kDenyAll, rule(true, 'c', 0x7fffffff, 0, "rwm")});
  CHECK(answer(large, 'c', kRead, 0x7fffffff, 0) == 1);
  CHECK(answer(large, 'c', kRead, 0xffffffff, 0) == 0);
}

TEST_CASE("the last rule that fits decides") {
  const auto program =
      device_program({rule(true, 'a', {}, {}, "rwm"), rule(false, 'b', {}, {}, "rwm"),
                      rule(true, 'b', 8, {}, "r")});
  CHECK(answer(program, 'c', kWrite, 5, 0) == 1);
  CHECK(answer(program, 'b', kRead, 8, 1) == 1);
  CHECK(answer(program, 'b', kRead, 9, 1) == 0);
}

TEST_CASE("denying one access denies whoever asks for it, also among others") {
  const auto program =
      device_program({rule(true, 'a', {}, {}, "rwm"), rule(false, 'c', 1, 9, "w")});
  CHECK(answer(program, 'c', kRead, 1, 9) == 1);
  CHECK(answer(program, 'c', kWrite, 1, 9) == 0);
  CHECK(answer(program, 'c', kRead | kWrite, 1, 9) == 0);
}
