// Namespaces that somebody else has made, and the clock of one's own.
#pragma once

#include "init/progress.h"
#include "launch/plan.h"

namespace berth::init {

/// Joins all of plan.joined: those of pid and time take effect for the children of this process alone. Before any other namespace is made, while this process
/// still has the rights that the others were made with.
sys::Result<void> join_namespaces(const launch::Plan& plan, Progress& progress);

/// Makes a time namespace with the plan's offsets for the next child, if there are any.
sys::Result<void> make_time_namespace(const launch::Plan& plan, Progress& progress);

}  // namespace berth::init
