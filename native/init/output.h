// One of the container's output streams on its way to the client and the log.
#pragma once

#include "init/log_writer.h"
#include "sys/fd.h"

namespace berth::init {

/// A client's descriptor that can be written to without ever blocking: reopened non-blocking where it is a pipe or a terminal, since O_NONBLOCK on
/// the descriptor itself would be seen by every process that shares it.
class ClientEnd {
 public:
  ClientEnd() = default;
  explicit ClientEnd(int number);
  explicit operator bool() const { return static_cast<bool>(fd_); }
  int get() const { return fd_.get(); }
  /// As write(2), EAGAIN included.
  ssize_t write(const char* bytes, size_t count);
  void close() { fd_.reset(); }

 private:
  sys::Fd fd_;
  bool is_socket_ = false;
};

class Output {
 public:
  static constexpr size_t kBuffer = 32 * 1024;

  /// `buffer` has kBuffer bytes.
  Output(Stream stream, sys::Fd pipe, ClientEnd client, LogWriter& log, char* buffer)
      : stream_(stream),
        pipe_(std::move(pipe)),
        client_(std::move(client)),
        log_(log),
        buffer_(buffer) {}

  /// What to poll for: the container's end for reading, unless the client still owes room; the client's end for writing, if it does.
  int pipe() const { return pending_ == sent_ ? pipe_.get() : -1; }
  int client() const { return pending_ == sent_ ? -1 : client_.get(); }
  bool open() const { return static_cast<bool>(pipe_) || pending_ != sent_; }

  /// Moves what can be moved now, and no more than some buffers, so that other streams get their turn.
  void move();
  /// The client has gone: the container runs on, its output goes to the log alone.
  void detach_client();
  /// The container has ended: what is in the pipe is still moved, but nobody waits for descendants that hold it open.
  void end() { ending_ = true; }

 private:
  bool flush();
  bool fill();

  Stream stream_;
  sys::Fd pipe_;
  ClientEnd client_;
  LogWriter& log_;
  bool ending_ = false;
  size_t pending_ = 0, sent_ = 0;
  char* buffer_;
};

}  // namespace berth::init
