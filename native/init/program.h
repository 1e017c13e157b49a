// Becoming the user's program.
#pragma once

#include "init/identity.h"
#include "init/progress.h"
#include "launch/plan.h"

namespace berth::init {

/// Is there a command that could be executed? ENOENT and EACCES as run_program() has them, asked with this process's effective ids and capabilities.
sys::Result<void> check_program(const launch::Process& process, Progress& progress);

/// Looks the command up in the container's own PATH, as execvp(3) does, and executes it. Returns only on failure: ENOENT not found, EACCES found but not
/// executable, else what execve(2) says. A file that is there but whose interpreter or loader is not fails with call "interpreter".
sys::Error run_program(const launch::Process& process, const Identity& identity,
                       Progress& progress);

}  // namespace berth::init
