// berth-init in its role as supervisor: builds one container, watches it, and outlives whoever started it.
#pragma once

#include "launch/plan.h"

namespace berth::init {

/// The whole life of the container that `plan` describes. Returns the supervisor's own exit status: 0 when the container ran, whatever came of it.
int supervise(const launch::Plan& plan);

}  // namespace berth::init
