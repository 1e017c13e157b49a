// Handing open files to another process over a Unix socket (unix(7), SCM_RIGHTS).
#pragma once

#include <cstddef>

#include "sys/fd.h"

namespace berth::sys {

constexpr size_t kMostPassed = 3;

/// Connects to the stream socket at `path`, which may be longer than a socket's address: its folder is opened first. ENOENT and ECONNREFUSED: nobody listens.
Result<Fd> connect_socket(const char* folder, const char* name);

/// Sends all of `text` with up to kMostPassed descriptors, which stay the caller's.
Result<void> send_with_descriptors(int socket, const char* text, size_t length, const int* fds,
                                   size_t count);

}  // namespace berth::sys
