// One of a client's own descriptors, used without ever blocking on it.
#pragma once

#include <sys/types.h>

#include <cstddef>

#include "sys/fd.h"

namespace berth::init {

/// Reopened non-blocking where it is a pipe or a terminal, since O_NONBLOCK on the descriptor itself would be seen by every process that shares it.
/// /dev/null is how a client says that it has none.
class ClientEnd {
 public:
  enum Direction { kRead, kWrite };

  ClientEnd() = default;
  ClientEnd(int number, Direction direction);
  explicit operator bool() const { return static_cast<bool>(fd_); }
  int get() const { return fd_.get(); }
  /// As write(2) and read(2), EAGAIN included.
  ssize_t write(const char* bytes, size_t count);
  /// Only after poll(2) has found it readable: where it could not be reopened it may block else.
  ssize_t read(char* bytes, size_t count);
  void close() { fd_.reset(); }

 private:
  sys::Fd fd_;
  bool is_socket_ = false;
};

}  // namespace berth::init
