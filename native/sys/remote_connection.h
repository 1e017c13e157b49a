// A TCP connection that begins in the network namespace of another process.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "sys/fd.h"

namespace berth::sys {

struct RemoteConnection {
  /// Whose namespace; `started` as in sys/process.h.
  pid_t pid;
  uint64_t started;
  /// The user that the kernel names to whoever asks whose the socket is.
  uid_t user;
  /// As inet_pton(3) takes it.
  const char* address;
  uint16_t port;
  /// For the connection to stand.
  int milliseconds;
};

/// A connected, non-blocking socket. ESRCH: that process is gone. ETIMEDOUT, or what connect(2) says. It is made by a thread of its own, which moves to the other namespace and becomes the
/// other user for files, for good: the caller's may serve others after this. Needs CAP_SYS_ADMIN and Linux 5.8 (setns(2) by pidfd).
Result<Fd> connect_in_network_of(const RemoteConnection& wanted);

}  // namespace berth::sys
