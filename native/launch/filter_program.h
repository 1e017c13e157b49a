// What a system call filter decides, made from fewer instructions: the kernel reads, checks and translates every one at each start of a container.
#pragma once

#include <cstdint>
#include <vector>

namespace berth::launch {

using SeccompProgram = std::vector<uint64_t>;  // struct sock_filter, one in each word

/// What a filter looks at (seccomp(2): struct seccomp_data).
struct SystemCall {
  uint32_t number = 0, architecture = 0;
  uint64_t instruction = 0;
  uint64_t arguments[6] = {};
};

/// What the filter returns; SECCOMP_RET_KILL_PROCESS for a program that cannot be followed.
uint32_t decide(const SeccompProgram& program, const SystemCall& call);

/// A program that decides the same for every call. libseccomp compares with each number by itself; where neighbours have the same answer, one comparison does for all. The
/// same program comes back where that gains nothing, or is not understood.
SeccompProgram compacted(const SeccompProgram& program);

}  // namespace berth::launch
