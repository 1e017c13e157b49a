// Who is at the other end of a local socket.
#pragma once

#include <sys/types.h>

#include "sys/result.h"

namespace berth::sys {

/// The user who connected, or made the pair: SO_PEERCRED of unix(7). It is taken when the connection is made, and nobody can change it after that.
Result<uid_t> socket_peer(int socket);

}  // namespace berth::sys
