// What goes in and out of a program: its output to the client that launched it, to the log and to whoever listens, what they type to its stdin.
#pragma once

#include <poll.h>

#include "init/control.h"
#include "init/input.h"
#include "init/listener.h"
#include "init/log_writer.h"
#include "init/output.h"
#include "init/stdio.h"

namespace berth::init {

class Carrier {
 public:
  static constexpr int kMostListeners = 8;
  /// What poll_for adds at most.
  static constexpr int kMostPolled = 5 + 2 * kMostListeners + Input::kMostSources + 1;

  Carrier(Control& control, LogWriter& log);

  /// `ours` are the supervisor's ends of the program's streams; descriptors 0, 1 and 2 are the launching client's.
  void open(OurEnds ours, const launch::Plan& plan);

  void poll_for(pollfd* fds, int& count);
  /// How long to wait at most, in milliseconds; -1: for ever.
  int timeout() const;
  /// Moves what can be moved; `fds` are the ones that poll_for was given.
  void serve(const pollfd* fds);
  /// The program has ended: what it left is delivered, but nobody waits for descendants that hold its streams open.
  void end();
  /// Is something left to be delivered?
  bool busy() const;
  /// Tells those who were too slow how much they have missed.
  void tell_missed();

  /// `attach KEYS`, `resize ROWS COLUMNS`, `log` (docs/reference/control-protocol.md); empty for anything else.
  RequestHandler::Answer answer(const Request& request);

 private:
  struct Attached {
    uint32_t client = 0;  // 0: nobody
    Listener streams[2];
  };

  RequestHandler::Answer attach(const Request& request, const char* keys);
  RequestHandler::Answer resize(const char* numbers) const;
  void let_go(Attached& attached);
  void detach(uint32_t client);
  void tell_failures();

  Control& control_;
  LogWriter& log_;
  sys::Fd terminal_;  // the master's end, for its size
  sys::Fd
      other_terminal_;  // the program's end, so that the terminal stays when nobody has it open for a moment
  Output outputs_[2];
  Input input_;
  Attached attached_[kMostListeners];
  int first_input_ = 0;  // of what poll_for added
  bool ended_ = false;
  int64_t ended_at_ = 0;  // CLOCK_MONOTONIC, milliseconds
};

}  // namespace berth::init
