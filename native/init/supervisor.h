// berth-init in its role as supervisor: builds one container, watches it, and outlives whoever started it.
#pragma once

#include "launch/plan.h"

namespace berth::init {

/// Where the plan lies until its container runs; then its memory is given back, since a supervisor may live for months.
struct PlanMemory {
  void* stream;
  size_t stream_size;
  void* arena;
  size_t arena_size;
};

/// The whole life of the container that `plan` describes. Returns the supervisor's own exit status: 0 when the container ran, whatever came of it.
int supervise(const launch::Plan& plan, const PlanMemory& memory);

}  // namespace berth::init
