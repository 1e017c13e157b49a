#include "init/progress.h"
#include "sys/text.h"

#include <time.h>

#include <cstring>

namespace berth::init {

void Progress::at(const char* new_step, const char* new_subject) {
  if (timings != nullptr && strcmp(step, new_step) != 0 && timings->count < Timings::kMost) {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    timings->entries[timings->count++] = {new_step, static_cast<uint64_t>(now.tv_sec) * 1000000000 +
                                                        static_cast<uint64_t>(now.tv_nsec)};
  }
  step = new_step;
  subject = new_subject;
}

Failure describe(const Progress& progress, const sys::Error& error) {
  Failure failure;
  failure.number = error.number;
  sys::copy_text(failure.step, progress.step);
  sys::copy_text(failure.call, error.call);
  sys::copy_text(failure.subject, progress.subject);
  return failure;
}

}  // namespace berth::init
