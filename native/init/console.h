// The terminal of a container that is handed over.
#pragma once

#include "init/progress.h"
#include "launch/plan.h"

namespace berth::init {

/// Makes a terminal in the container's own devpts (at /dev/pts of `root`), with `as_console` shows it as /dev/console, sends its master over `socket` (SCM_RIGHTS, unix(7)) and makes it
/// stdin, stdout and stderr of this process, whose controlling terminal it becomes. This process must lead a session.
sys::Result<void> give_console(const launch::Handover& handover, int root, int socket,
                               bool as_console, Progress& progress);

}  // namespace berth::init
