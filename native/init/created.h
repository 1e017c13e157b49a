// The first process of a container that is handed over: from its complete tree to the word to start.
#pragma once

#include "init/first_process.h"
#include "init/identity.h"
#include "init/progress.h"
#include "launch/plan.h"
#include "sys/fd.h"

namespace berth::init {

/// While the host's tree can still be seen and the container's stands: the caller's hooks, then those of this process's own namespaces.
sys::Result<void> pass_hooks(const launch::Plan& plan, const FirstProcess& ends,
                             Progress& progress);

/// Says that all is done, waits until that is on record, and then for whoever starts the program. Gives the connection on which to report what becomes of it.
/// EPIPE: whoever had the container created is gone, and so must this process.
sys::Result<sys::Fd> await_start(const launch::Plan& plan, const FirstProcess& ends,
                                 Progress& progress);

}  // namespace berth::init
