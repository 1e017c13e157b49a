// `run`: create and start in one, and in the foreground also the end.
#pragma once

#include "runtime/create.h"

namespace berth::runtime {

struct RunRequest {
  CreateRequest create;
  bool detach = false;
  bool keep = false;  // the container stays after its end
};

/// In the foreground: the program's status as a shell has it, after passing on every signal that came for it.
int run(const RunRequest& request);

}  // namespace berth::runtime
