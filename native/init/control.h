// The control socket: how others ask a supervisor about its container (docs/reference/control-protocol.md).
#pragma once

#include <poll.h>
#include <sys/types.h>

#include <cstddef>

#include "sys/fd.h"

namespace berth::init {

/// Lines of text, in both directions. The leash is a client that was there from the start and is told everything unasked.
class Control {
 public:
  static constexpr int kMostClients = 32;

  explicit Control(sys::Fd leash);

  /// Whom `signal` is for.
  void task(int pidfd) { task_pidfd_ = pidfd; }

  /// Listens on `control.sock`, mode 0600, in the volatile state directory.
  sys::Result<void> listen(int directory);

  /// Adds what it waits for; `count` grows by at most kMostClients + 1.
  void poll_for(pollfd* fds, int& count) const;
  /// Serves whoever poll(2) found ready among its own descriptors.
  void serve(const pollfd* fds, int count);

  /// The line that `status` answers, and that every client gets when it changes.
  void set_status(const char* line);
  /// One line for the launcher alone.
  void tell_leash(const char* line);
  /// The last line of all: told to everybody who is connected, or about to be.
  void announce_exit(const char* line);
  /// Does the process that launched the container still hold its end?
  bool leash_held() const { return static_cast<bool>(clients_[0].socket); }

 private:
  struct Client {
    sys::Fd socket;
    size_t used = 0;
    char line[64];
  };

  /// False: nobody is waiting to be let in.
  bool accept_client();
  void receive(Client& client);
  void obey(Client& client, const char* request);
  static void send_line(Client& client, const char* line);

  Client clients_[kMostClients];  // [0] is the leash
  sys::Fd listener_;
  int task_pidfd_ = -1;
  const char* status_ = "starting";
};

}  // namespace berth::init
