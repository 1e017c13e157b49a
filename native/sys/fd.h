// A file descriptor that closes itself.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <utility>

#include "sys/result.h"

namespace berth::sys {

/// Owns one descriptor; -1 means none. Every descriptor of this project is opened with O_CLOEXEC.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int number) : number_(number) {}
  Fd(Fd&& other) noexcept : number_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  int get() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }
  /// Gives the descriptor away: the caller closes it.
  int release() { return std::exchange(number_, -1); }
  /// close(2) is never retried: Linux frees the number even when it reports EINTR.
  void reset(int number = -1) {
    if (number_ >= 0) ::close(number_);
    number_ = number;
  }

 private:
  int number_ = -1;
};

/// Wraps what `call` returned: a descriptor, or -1 with errno set.
inline Result<Fd> adopt(long number, const char* call) {
  if (number < 0) return last_error(call);
  return Fd(static_cast<int>(number));
}

}  // namespace berth::sys
