// The metadata services of other pods: each has a socket in one folder that all of them see, called by its pod's uuid.
#pragma once

#include <string_view>

#include "sys/fd.h"
#include "sys/result.h"

namespace berth::metadata {

/// Takes this pod's place among them.
sys::Result<sys::Fd> listen_to_neighbours(std::string_view uuid);
/// Leaves it.
void leave_neighbours(std::string_view uuid);
/// A connection to that pod's, which never waits. An error: it is not there, or too busy.
sys::Result<sys::Fd> connect_to_neighbour(std::string_view uuid);

}  // namespace berth::metadata
