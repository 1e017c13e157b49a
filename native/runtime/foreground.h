// A program that the caller waits for.
#pragma once

#include <signal.h>
#include <sys/types.h>

namespace berth::runtime {

/// From its making on this process adopts what its children leave, and keeps signals to pass them on. To be made before the program.
class Foreground {
 public:
  Foreground();
  /// Waits for the program, a child once its builder is gone, and passes on what is sent to this process meanwhile. Its status as a shell has it.
  int follow(pid_t pid) const;

 private:
  sigset_t signals_;
};

}  // namespace berth::runtime
