#include "sys/socket_peer.h"

#include <sys/socket.h>

namespace berth::sys {

Result<uid_t> socket_peer(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    return last_error("getsockopt");
  return peer.uid;
}

}  // namespace berth::sys
