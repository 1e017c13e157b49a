// Why content from outside was refused, in words, beside the bare Error that travels up the calls.
#pragma once

#include <string>
#include <utility>

#include "sys/result.h"

namespace berth::sys {

/// The first refusal of one piece of work. `refuse` fills it and gives the Error to return; later
/// ones are consequences and are not kept. One object belongs to one thread.
class Refusal {
 public:
  /// `code` is a word of docs/reference/layers.md and a string literal; `reason` is one clause.
  Error refuse(const char* code, std::string reason) {
    if (code_.empty()) {
      code_ = code;
      reason_ = std::move(reason);
    }
    return Error{EBADMSG, code};
  }
  /// Names the entry that was being dealt with, if none is named yet.
  void at(const std::string& path) {
    if (path_.empty()) path_ = path;
  }

  explicit operator bool() const { return !code_.empty(); }
  const std::string& code() const { return code_; }
  const std::string& reason() const { return reason_; }
  const std::string& path() const { return path_; }

 private:
  std::string code_, reason_, path_;
};

}  // namespace berth::sys
