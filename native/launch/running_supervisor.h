// The supervisor's program as others of the same root run it already.
#pragma once

#include <string>

#include "sys/fd.h"

namespace berth::launch {

/// A sealed copy of the program at `path` that a supervisor of the folder `containers` runs from, so that all share its pages, whoever launched them; and
/// nobody has to make it again. None: nobody runs the same program, as after an upgrade.
sys::Fd running_supervisor(const std::string& path, const std::string& containers);

}  // namespace berth::launch
