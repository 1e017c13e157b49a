#include "init/progress.h"

#include <cstdio>

namespace berth::init {

Failure describe(const Progress& progress, const sys::Error& error) {
  Failure failure;
  failure.number = error.number;
  snprintf(failure.step, sizeof failure.step, "%s", progress.step);
  snprintf(failure.call, sizeof failure.call, "%s", error.call);
  snprintf(failure.subject, sizeof failure.subject, "%s", progress.subject);
  return failure;
}

}  // namespace berth::init
