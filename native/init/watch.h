// The life of a container that runs, and its end.
#pragma once

#include "init/birth.h"
#include "init/control.h"
#include "init/output.h"
#include "init/records.h"

namespace berth::init {

/// Carries output and serves control until the container has ended and its output is delivered. SIGTERM and the like, sent to the supervisor, are the
/// container's: a supervisor has nothing else to end.
void watch(const Container& container, Control& control, Output& out, Output& err);

/// Collects the first process, which has ended.
ExitStatus collect(const Container& container);

}  // namespace berth::init
