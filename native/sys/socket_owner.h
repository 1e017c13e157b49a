// Whose a TCP connection of this host is, by its two ends (sock_diag(7)).
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "sys/result.h"

namespace berth::sys {

struct Endpoint {
  /// As inet_pton(3) takes it; no IPv4 address in IPv6's clothes.
  const char* address;
  uint16_t port;
};

struct SocketOrigin {
  uid_t user;
  /// Of the process that made it, in the hierarchy of version 2, as statx(2) numbers its directory; 0: the kernel does not tell (it does from Linux 5.9 on).
  uint64_t cgroup;
};

/// Who made the socket whose own end is `own`, connected to `other`, in the network namespace of the caller. ENOENT: there is none, or no
/// process holds it any more; the kernel would say root of such. EINVAL: not addresses, or of two families.
Result<SocketOrigin> socket_origin(const Endpoint& own, const Endpoint& other);

}  // namespace berth::sys
