// What a service tells the manager that started it.
#pragma once

#include <cstddef>

#include "sys/result.h"

namespace berth::sys {

/// Sends `text` as one datagram to the socket of a service manager, as sd_notify(3) describes it: a path, or the name of an abstract socket after '@'. Never waits: EAGAIN when the
/// manager's queue is full. EINVAL: no such name.
Result<void> tell_service_manager(const char* socket_name, const char* text, size_t length);

}  // namespace berth::sys
