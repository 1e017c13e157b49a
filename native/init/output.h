// One of the container's output streams on its way to the client that launched it and to the log.
#pragma once

#include "init/client_end.h"
#include "init/log_writer.h"
#include "sys/fd.h"

namespace berth::init {

class Output {
 public:
  static constexpr size_t kBuffer = 32 * 1024;

  /// `buffer` has kBuffer bytes.
  Output(Stream stream, LogWriter& log, char* buffer)
      : stream_(stream), log_(log), buffer_(buffer) {}

  /// `source` is the container's end, `client` whom it is launched for: waited for, in full. At a terminal a client may come and go; else the container learns that
  /// its reader has gone.
  void open(sys::Fd source, ClientEnd client, bool terminal);

  /// What to poll for: the container's end for reading, unless room is still owed; the client's end for writing, if it owes some.
  int source() const { return caught_up() ? source_.get() : -1; }
  int client() const { return pending_ == sent_ ? -1 : client_.get(); }
  /// Is something to be written to the log once there is room?
  bool waits_for_log() const { return logged_ != pending_; }
  bool open() const { return static_cast<bool>(source_) || !caught_up(); }
  Stream stream() const { return stream_; }

  /// Moves what can be moved now, and no more than some buffers, so that other streams get their turn. Calls `tell(bytes, count)` for each.
  template <typename Tell>
  void move(Tell tell) {
    constexpr int kRounds = 8;
    for (int round = 0; round < kRounds; ++round) {
      if (!flush() || !source_ || !fill()) return;
      tell(buffer_, pending_);
    }
  }
  /// The client has gone: the container runs on, its output goes to the log alone.
  void detach_client();
  /// The container has ended: what is in the pipe is still moved, but nobody waits for descendants that hold it open.
  void end() { ending_ = true; }
  /// The errno by which the client's end failed other than by its reader's leaving; told once.
  int take_failure();

 private:
  bool caught_up() const { return pending_ == sent_ && pending_ == logged_; }
  bool flush();
  bool fill();

  Stream stream_;
  sys::Fd source_;
  ClientEnd client_;
  LogWriter& log_;
  bool ending_ = false, terminal_ = false;
  int failure_ = 0;
  size_t pending_ = 0, sent_ = 0, logged_ = 0;
  char* buffer_;
};

}  // namespace berth::init
