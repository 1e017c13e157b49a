// This process while a program's streams are its own (src/cli/foreground.ts): passes on signals and the terminal's size, and leaves the terminal as it was.
#pragma once

#include <termios.h>

#include <optional>
#include <string>

#include "front/leash.h"
#include "launch/launcher.h"
#include "sys/terminal_mode.h"

namespace berth::front {

/// How a program that was started came to its end, as far as it was told.
struct Outcome {
  enum Kind { kRuns, kFailed, kSilent, kExited, kLost, kDetached, kHungUp } kind = kSilent;
  /// kRuns: the program's pid on the host. kFailed, kExited: the JSON that was told.
  std::string told;
  /// `STREAM ERRNO` of output that did not reach its reader; empty: all did.
  std::string undelivered;
};

class Foreground {
 public:
  /// `others`: somebody may attach to the program later.
  Foreground(bool terminal, bool input, bool others)
      : terminal_(terminal), input_(input), others_(others) {}
  ~Foreground() { end(); }
  Foreground(const Foreground&) = delete;
  Foreground& operator=(const Foreground&) = delete;

  /// Asked for a terminal, and there is none: for the JavaScript to tell.
  bool lacks_terminal() const;
  /// From now on signals and the terminal are the program's.
  void begin();
  /// The terminal is as it was before.
  void end();
  /// Of the terminal that output goes to, else of the one that input comes from.
  std::optional<sys::TerminalSize> size() const;
  /// Stays until the program has ended, or its keys were typed.
  Outcome follow(Leash& leash);

 private:
  /// True: the terminal has hung up.
  bool pass_on_signals(Leash& leash);
  void tell_size(Leash& leash) const;

  /// There was a terminal, and it has gone.
  bool hung_up() const;

  bool terminal_, input_, others_;
  bool at_terminal_ = false;
  sys::Fd signals_;
  std::optional<termios> before_;
};

/// Waits until the program runs or cannot.
Outcome await_start(Leash& leash);

/// Collects the supervisor, whose end was told.
void reap(pid_t supervisor);

/// As Node makes itself at its start, which a container's processes inherit: standard descriptors open, signals as they are by default, as many descriptors as
/// are allowed.
void settle_process();

}  // namespace berth::front
