// Where the launch stands, so that a failure can say what was being done and to what.
#pragma once

#include <sys/types.h>

#include "sys/result.h"

namespace berth::init {

/// Updated before each step. `step` is a word of docs/reference/control-protocol.md; both strings outlive the launch.
struct Progress {
  const char* step = "start";
  const char* subject = "";

  void at(const char* new_step, const char* new_subject = "") {
    step = new_step;
    subject = new_subject;
  }
};

/// A failed launch as it crosses from the first process to the supervisor and on to the client.
struct Failure {
  int number = 0;  // errno
  char step[24] = "";
  char call[24] = "";
  char subject[256] = "";
};

Failure describe(const Progress& progress, const sys::Error& error);

}  // namespace berth::init
