#include "metadata/neighbours.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <string>

namespace berth::metadata {
namespace {

using sys::Fd;
using sys::Result;

std::string place_of(std::string_view uuid) { return "/pods/" + std::string(uuid); }

Result<sockaddr_un> address_of(std::string_view uuid) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const std::string place = place_of(uuid);
  if (place.size() >= sizeof address.sun_path) return sys::Error{ENAMETOOLONG, "bind"};
  place.copy(address.sun_path, place.size());
  return address;
}

Result<Fd> new_socket() {
  return sys::adopt(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket");
}

}  // namespace

Result<Fd> listen_to_neighbours(std::string_view uuid) {
  // Those who wait to be heard; more than that are told that it is too busy.
  constexpr int kMostWaiting = 16;
  BERTH_ASSIGN(Fd listener, new_socket());
  BERTH_ASSIGN(const sockaddr_un address, address_of(uuid));
  if (bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return sys::last_error("bind");
  if (listen(listener.get(), kMostWaiting) != 0) return sys::last_error("listen");
  return listener;
}

void leave_neighbours(std::string_view uuid) { unlink(place_of(uuid).c_str()); }

Result<Fd> connect_to_neighbour(std::string_view uuid) {
  BERTH_ASSIGN(Fd peer, new_socket());
  BERTH_ASSIGN(const sockaddr_un address, address_of(uuid));
  if (connect(peer.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return sys::last_error("connect");
  return peer;
}

}  // namespace berth::metadata
