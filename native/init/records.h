// What a supervisor leaves on disk for whoever asks later, or after a crash.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "init/oom.h"
#include "sys/result.h"
#include "sys/text.h"

namespace berth::init {

struct ProcessName {
  pid_t pid = 0;
  uint64_t start_time = 0;  // clock ticks since boot
};

struct ExitStatus {
  int status = 0;  // as a shell has it: 128 + N when killed by signal N
  int signal = 0;  // 0: none
  OomReport oom;
  uint64_t log_bytes_dropped = 0;
};

struct StateRecord {
  ProcessName supervisor, task;
  char boot_id[40] = "";
};

/// Fills the names of this process, of the container's first process (by its pid on the host) and of this boot of the host.
sys::Result<void> identify(pid_t task, StateRecord& record);

/// `state.json`: the container runs. `directory` is its volatile state.
sys::Result<void> write_state(int directory, const StateRecord& record);

/// The members that tell of an OOM kill, as the exit record and events have them.
void add_oom_members(const OomReport& oom, sys::TextBase& text);

/// `exit.json`, on one line without a newline.
using ExitText = sys::Text<1024>;
ExitText format_exit(const ExitStatus& exit);
sys::Result<void> write_exit(int directory, const ExitText& text);
/// Takes the room for it while there is some: a container may end on a full disk.
sys::Result<void> reserve_exit(int directory);

}  // namespace berth::init
