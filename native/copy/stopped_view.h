// The files of a container that does not run: its layers and volumes, mounted for one process.
#pragma once

#include "copy/request.h"
#include "sys/result.h"

namespace berth::copy {

/// Leaves this process in a mount namespace with nothing else in it, and `/` as its working directory. The container must be kept from being started.
sys::Result<void> enter_stopped(const View& view);

}  // namespace berth::copy
