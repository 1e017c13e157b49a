#include "metadata/service.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

namespace berth::metadata {
namespace {

using sys::Result;

/// A client that takes longer than this for one request, in milliseconds, is gone.
constexpr int64_t kPatience = 3000;
/// Until those are looked for who have taken too long.
constexpr int kMoment = 1000;
/// Between two looks at those who are connected.
constexpr int kMostAccepted = 16;

int64_t milliseconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1000000;
}

void collect_orphans() {
  while (waitpid(-1, nullptr, WNOHANG) > 0) {
  }
}

/// True: somebody wants the pod to end.
bool read_signals(int signals) {
  signalfd_siginfo info;
  bool ends = false;
  while (read(signals, &info, sizeof info) == sizeof info)
    ends |= info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT;
  collect_orphans();
  return ends;
}

}  // namespace

Result<uint16_t> Service::listen() {
  BERTH_ASSIGN(listener_, sys::adopt(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
                                     "socket"));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* any = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  if (bind(listener_.get(), any, size) != 0) return sys::last_error("bind");
  if (::listen(listener_.get(), SOMAXCONN) != 0) return sys::last_error("listen");
  if (getsockname(listener_.get(), any, &size) != 0) return sys::last_error("getsockname");
  return ntohs(address.sin_port);
}

int Service::run(int starter, int signals) {
  constexpr int kNotStarted = 1;
  bool started = false;
  for (;;) {
    constexpr int kOthers = 4;
    pollfd fds[kOthers + kMost];
    fds[0] = {listener_.get(), POLLIN, 0};
    fds[1] = {signals, POLLIN, 0};
    fds[2] = {started ? -1 : starter, POLLIN, 0};
    fds[3] = {residents_.watched(), POLLIN, 0};
    bool busy = false;
    for (int i = 0; i < kMost; ++i) {
      const Connection& each = connections_[i];
      fds[kOthers + i] = {each.fd(), each.events(), 0};
      busy |= each.is_open();
    }
    const bool looks_again = started && residents_.watched() < 0;
    const int timeout = busy || looks_again ? kMoment : -1;
    if (sys::retry_interrupted([&] { return poll(fds, kOthers + kMost, timeout); }) < 0)
      return kNotStarted;
    if (fds[1].revents != 0 && read_signals(signals)) return 0;
    if (fds[2].revents != 0) {
      auto word = receive_line(starter);
      if (!word || *word != "go") return kNotStarted;
      started = true;
    }
    if (started && (residents_.watched() < 0 || fds[3].revents != 0)) {
      auto others = residents_.look();
      // Not to know of any is no reason to end those there are: the next round looks again.
      if (others && !*others) return 0;
    }
    const int64_t now = milliseconds();
    for (int i = 0; i < kMost; ++i)
      if (fds[kOthers + i].revents != 0 && connections_[i].fd() == fds[kOthers + i].fd)
        connections_[i].serve(pod_, signer_);
    expire(now);
    if (fds[0].revents != 0) accept_some(now);
  }
}

void Service::accept_some(int64_t now) {
  for (int i = 0; i < kMostAccepted; ++i) {
    sys::Fd socket(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket) return;
    Connection& place = free_place();
    place.open(std::move(socket), now);
    place.serve(pod_, signer_);
  }
}

/// Who has been there longest makes room: whoever connects and says nothing keeps nobody out.
Connection& Service::free_place() {
  Connection* oldest = &connections_[0];
  for (Connection& each : connections_) {
    if (!each.is_open()) return each;
    if (each.since() < oldest->since()) oldest = &each;
  }
  oldest->close();
  return *oldest;
}

void Service::expire(int64_t now) {
  for (Connection& each : connections_)
    if (each.is_open() && now - each.since() > kPatience) each.close();
}

}  // namespace berth::metadata
