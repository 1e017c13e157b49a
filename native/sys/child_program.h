// A program run to its end, as hooks are.
#pragma once

#include "sys/fd.h"

namespace berth::sys {

struct ChildProgram {
  const char* path = "";
  const char* const* argv = nullptr;  // ends in null
  const char* const* envp = nullptr;  // ends in null
  const char* input = "";             // what it reads from its stdin
  size_t input_size = 0;
  int patience = -1;  // milliseconds, after which it is killed; -1: for ever
};

/// Its status as wait(2) has it. ETIMEDOUT: it took too long and was killed. An execve(2) that fails gives that error.
Result<int> run_to_end(const ChildProgram& program);

}  // namespace berth::sys
