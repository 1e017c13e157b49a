#include "init/progress.h"

#include <time.h>

#include <cstdio>
#include <cstring>

namespace berth::init {

void Progress::at(const char* new_step, const char* new_subject) {
  if (timings != nullptr && strcmp(step, new_step) != 0 && timings->count < Timings::kMost) {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    timings->entries[timings->count++] = {new_step, static_cast<uint64_t>(now.tv_sec) * 1000000000 + static_cast<uint64_t>(now.tv_nsec)};
  }
  step = new_step;
  subject = new_subject;
}

Failure describe(const Progress& progress, const sys::Error& error) {
  Failure failure;
  failure.number = error.number;
  snprintf(failure.step, sizeof failure.step, "%s", progress.step);
  snprintf(failure.call, sizeof failure.call, "%s", error.call);
  snprintf(failure.subject, sizeof failure.subject, "%s", progress.subject);
  return failure;
}

}  // namespace berth::init
