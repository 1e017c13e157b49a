// Why a launch was refused before any process was started.
#pragma once

#include <string>

#include "sys/result.h"

namespace berth::launch {

struct Failure {
  int number = 0;    // errno; 0 where no system call is to blame
  std::string code;  // BAD_CONFIG, LIMIT_UNENFORCEABLE, …; empty: the errno's own name
  std::string syscall;
  std::string path;
  std::string step;
  std::string hint;

  Failure() = default;
  Failure(const sys::Error& error, std::string at_step, std::string at_path)
      : number(error.number),
        syscall(error.call),
        path(std::move(at_path)),
        step(std::move(at_step)) {}
};

}  // namespace berth::launch
