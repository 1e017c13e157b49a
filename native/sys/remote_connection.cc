#include "sys/remote_connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <optional>

#include "sys/process.h"
#include "sys/thread.h"

namespace berth::sys {
namespace {

/// Both families' addresses begin with the family.
union Address {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

Result<socklen_t> parse(const RemoteConnection& wanted, Address& address) {
  if (inet_pton(AF_INET, wanted.address, &address.v4.sin_addr) == 1) {
    address.v4.sin_family = AF_INET;
    address.v4.sin_port = htons(wanted.port);
    return static_cast<socklen_t>(sizeof address.v4);
  }
  if (inet_pton(AF_INET6, wanted.address, &address.v6.sin6_addr) == 1) {
    address.v6.sin6_family = AF_INET6;
    address.v6.sin6_port = htons(wanted.port);
    return static_cast<socklen_t>(sizeof address.v6);
  }
  return Error{EINVAL, "inet_pton"};
}

Result<void> await_connection(int socket, int milliseconds) {
  pollfd end = {socket, POLLOUT, 0};
  const int ready = retry_interrupted([&] { return poll(&end, 1, milliseconds); });
  if (ready < 0) return last_error("poll");
  if (ready == 0) return Error{ETIMEDOUT, "connect"};
  int outcome = 0;
  socklen_t size = sizeof outcome;
  if (getsockopt(socket, SOL_SOCKET, SO_ERROR, &outcome, &size) != 0) {
    return last_error("getsockopt");
  }
  if (outcome != 0) return Error{outcome, "connect"};
  return {};
}

/// Leaves the thread in the other namespace, as the other user.
Result<Fd> connect_from_there(const RemoteConnection& wanted) {
  Address address{};
  BERTH_ASSIGN(const socklen_t length, parse(wanted, address));
  BERTH_ASSIGN(const Fd proc, adopt(open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC), "open"));
  BERTH_ASSIGN(const Fd pidfd, open_process(proc.get(), wanted.pid, wanted.started));
  if (setns(pidfd.get(), CLONE_NEWNET) != 0) return last_error("setns");
  // The thread's own alone, unlike what libc makes of most calls that change ids; a socket belongs to it (socket(7), sock_diag(7)).
  syscall(SYS_setfsuid, wanted.user);
  if (syscall(SYS_setfsuid, -1) != static_cast<long>(wanted.user)) {
    return Error{EPERM, "setfsuid"};
  }
  BERTH_ASSIGN(Fd connection,
               adopt(socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
                     "socket"));
  if (connect(connection.get(), &address.any, length) != 0) {
    if (errno != EINPROGRESS) return last_error("connect");
    BERTH_TRY(await_connection(connection.get(), wanted.milliseconds));
  }
  return connection;
}

}  // namespace

Result<Fd> connect_in_network_of(const RemoteConnection& wanted) {
  std::optional<Result<Fd>> outcome;
  BERTH_ASSIGN(const pthread_t thread,
               start_thread([&] { outcome.emplace(connect_from_there(wanted)); }));
  pthread_join(thread, nullptr);
  return std::move(*outcome);
}

}  // namespace berth::sys
