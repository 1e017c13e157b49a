#include "sys/terminal_mode.h"

#include <sys/ioctl.h>

namespace berth::sys {

Result<TerminalSize> terminal_size(int fd) {
  winsize size = {};
  if (ioctl(fd, TIOCGWINSZ, &size) != 0) return last_error("ioctl");
  return TerminalSize{size.ws_row, size.ws_col};
}

Result<termios> make_raw(int fd) {
  termios before = {};
  if (tcgetattr(fd, &before) != 0) return last_error("tcgetattr");
  termios raw = before;
  cfmakeraw(&raw);
  // What was typed before is kept: it is meant for the program.
  if (retry_interrupted([&] { return tcsetattr(fd, TCSADRAIN, &raw); }) != 0)
    return last_error("tcsetattr");
  return before;
}

Result<void> restore_mode(int fd, const termios& mode) {
  if (retry_interrupted([&] { return tcsetattr(fd, TCSANOW, &mode); }) != 0)
    return last_error("tcsetattr");
  return {};
}

}  // namespace berth::sys
