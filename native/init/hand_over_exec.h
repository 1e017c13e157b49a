// berth-init in its role as exec for a caller that looks after the program itself, as conmon and containerd's shim do: sends it in, and is gone.
#pragma once

#include "launch/plan.h"

namespace berth::init {

/// Sends one program into the container of the process kTaskPidFd, and tells what became of it on kLeashFd (launch/handover.h). `plan` is the container's own with another
/// process. The program is then a child of whoever adopts this process's children. Gives the status to exit with.
int send_in_and_hand_over(const launch::Plan& plan);

}  // namespace berth::init
