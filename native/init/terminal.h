// A pseudo-terminal of a container's own.
#pragma once

#include <cstdint>

#include "sys/fd.h"

namespace berth::init {

struct Terminal {
  sys::Fd master;   // non-blocking
  sys::Fd program;  // the end that the program gets
};

/// Made in the devpts at /dev/pts of `root`, which may be anybody's work: what is opened there is the multiplexer of a devpts or nothing (ENODEV), and
/// the other end comes from the kernel, by no path (TIOCGPTPEER, Linux 4.13; CVE-2025-52565). A size of 0 is not set.
sys::Result<Terminal> make_terminal(int root, uint32_t rows, uint32_t columns);

/// Shows the terminal as /dev/console of `root`. The place is made if missing, and never reached by a symbolic link (CVE-2026-88264).
sys::Result<void> attach_console(int root, int terminal);

}  // namespace berth::init
