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

/// As recv(2) with `flags`, where a signal is no reason to return. Up to `most` descriptors that come along are put into `fds`, close-on-exec; there are never more than
/// kMostPassed. What there is no room for is closed.
ssize_t receive_with_descriptors(int socket, char* bytes, size_t count, Fd* fds, size_t most,
                                 int flags = 0);

}  // namespace berth::sys
