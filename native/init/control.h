// The control socket: how others ask a supervisor about its container (docs/reference/control-protocol.md).
#pragma once

#include <poll.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>

#include "sys/fd.h"
#include "sys/text.h"

namespace berth::init {

class Journal;

/// What a client asks for, with the descriptors that came along; those that are taken are moved out.
struct Request {
  static constexpr int kMostFds = 3;

  uint32_t client;  // no two that ever connected have the same
  const char* text;
  sys::Fd* fds;
};

/// Answers requests that are about more than the first process. The line to answer with; empty: `request` is not known.
struct RequestHandler {
  using Answer = sys::Text<64>;
  Answer (*answer)(void* self, const Request& request);
  void* self;
};

/// Lines of text, in both directions. The leash is a client that was there from the start and is told everything unasked.
class Control {
 public:
  static constexpr int kMostClients = 32;
  static constexpr uint32_t kLeash = 1;

  explicit Control(sys::Fd leash);

  /// Whom `signal` is for.
  void task(int pidfd) { task_pidfd_ = pidfd; }

  void handler(RequestHandler handler) { handler_ = handler; }
  /// Told of signals that clients send.
  void journal(const Journal& journal) { journal_ = &journal; }

  /// Listens on `control.sock`, mode 0600, in the volatile state directory.
  sys::Result<void> listen(int directory);

  /// Adds what it waits for; `count` grows by at most kMostClients + 1.
  void poll_for(pollfd* fds, int& count) const;
  /// Serves whoever poll(2) found ready among its own descriptors.
  void serve(const pollfd* fds, int count);

  /// The line that `status` answers, and that every client gets when it changes.
  void set_status(const char* line);
  /// One line for the launcher alone.
  void tell_leash(const char* line) { tell(kLeash, line); }
  void tell(uint32_t client, const char* line);
  bool connected(uint32_t client) const;
  /// The last line of all: told to everybody who is connected, or about to be. The launcher gets descriptors with it, if there are any.
  void announce_exit(const char* line, const int* fds = nullptr, size_t count = 0);
  /// Does the process that launched the container still hold its end?
  bool leash_held() const { return static_cast<bool>(clients_[0].socket); }

 private:
  struct Client {
    sys::Fd socket;
    uint32_t serial = 0;
    sys::Fd fds[Request::kMostFds];
    size_t used = 0;
    char line[128];
  };

  /// False: nobody is waiting to be let in.
  bool accept_client();
  void receive(Client& client);
  void obey(Client& client, const char* request);
  static void send_line(Client& client, const char* line, const int* fds = nullptr,
                        size_t count = 0);

  Client clients_[kMostClients];  // [0] is the leash
  sys::Fd listener_;
  uint32_t last_serial_ = kLeash;
  RequestHandler handler_ = {};
  const Journal* journal_ = nullptr;
  int task_pidfd_ = -1;
  const char* status_ = "starting";
};

}  // namespace berth::init
