// berth-init for a caller that looks after its container itself, as conmon and containerd's shim do: builds it, and is gone.
#pragma once

#include "launch/plan.h"

namespace berth::init {

/// Brings the container to where it only waits to be started, and tells so on kLeashFd (launch/handover.h). The first process is then a child of whoever adopts this
/// process's children. When the caller dies before it has recorded the container, nothing of it stays but what the caller made. Gives the status to exit with.
int hand_over(const launch::Plan& plan);

}  // namespace berth::init
