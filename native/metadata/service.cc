#include "metadata/service.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include <string_view>

#include "sys/write_all.h"

namespace berth::metadata {
namespace {

using sys::Result;

/// Until those are looked for who have taken too long.
constexpr int kMoment = 1000;

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

Result<uint16_t> Service::listen_to_apps() {
  BERTH_ASSIGN(
      sys::Fd listener,
      sys::adopt(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket"));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* any = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  if (bind(listener.get(), any, size) != 0) return sys::last_error("bind");
  if (listen(listener.get(), SOMAXCONN) != 0) return sys::last_error("listen");
  if (getsockname(listener.get(), any, &size) != 0) return sys::last_error("getsockname");
  apps_.open(std::move(listener));
  return ntohs(address.sin_port);
}

int Service::run(int starter, int signals) {
  constexpr int kNotStarted = 1;
  bool started = false;
  std::vector<pollfd> fds;
  for (;;) {
    fds.assign({{signals, POLLIN, 0},
                {started ? -1 : starter, POLLIN, 0},
                {residents_.watched(), POLLIN, 0}});
    apps_.poll_for(fds);
    neighbours_.poll_for(fds);
    const bool looks_again = started && residents_.watched() < 0;
    const bool busy = apps_.is_busy() || neighbours_.is_busy();
    const int timeout = busy || looks_again ? kMoment : -1;
    if (sys::retry_interrupted([&] { return poll(fds.data(), fds.size(), timeout); }) < 0)
      return kNotStarted;
    if (fds[0].revents != 0 && read_signals(signals)) return 0;
    if (fds[1].revents != 0) {
      auto word = receive_line(starter);
      if (!word || *word != "go") return kNotStarted;
      // Who started the pod may end once it has heard this.
      constexpr std::string_view kHeard = "going\n";
      if (!sys::write_all(1, kHeard.data(), kHeard.size())) return kNotStarted;
      started = true;
    }
    if (started && (residents_.watched() < 0 || fds[2].revents != 0)) {
      auto others = residents_.look();
      // Not to know of any is no reason to end those there are: the next round looks again.
      if (others && !*others) return 0;
    }
    const int64_t now = milliseconds();
    apps_.serve(fds, now);
    neighbours_.serve(fds, now);
  }
}

}  // namespace berth::metadata
