// What a supervisor says on its leash (docs/reference/control-protocol.md).
#pragma once

#include <optional>
#include <string>

#include "sys/fd.h"

namespace berth::front {

class Leash {
 public:
  explicit Leash(sys::Fd socket) : socket_(std::move(socket)) {}

  int get() const { return socket_.get(); }
  /// The next line, waited for; nothing: the supervisor has closed its end, or died.
  std::optional<std::string> next();
  /// A line that is there already.
  std::optional<std::string> pending();
  /// Takes in what has come. False: nothing more will.
  bool fill();
  /// Nobody hears it any more: no error.
  void say(const std::string& line);

 private:
  sys::Fd socket_;
  std::string bytes_;
};

/// What follows the word and its blank at the start of a line; nothing: another word.
std::optional<std::string> after(const std::string& line, const char* word);

}  // namespace berth::front
