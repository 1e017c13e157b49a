// The terminal that a person sits at (termios(3), ioctl_tty(2)).
#pragma once

#include <termios.h>

#include <cstdint>

#include "sys/result.h"

namespace berth::sys {

struct TerminalSize {
  uint16_t rows = 0, columns = 0;
};

/// ENOTTY: no terminal.
Result<TerminalSize> terminal_size(int fd);

/// Every key is passed on as it is and every byte shown as it comes (cfmakeraw(3)). Returns how it was before.
Result<termios> make_raw(int fd);
Result<void> restore_mode(int fd, const termios& mode);

}  // namespace berth::sys
