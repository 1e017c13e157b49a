#include "init/control.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>

#include "init/journal.h"
#include "sys/kernel.h"
#include "sys/pass_descriptors.h"
#include "sys/text.h"

namespace berth::init {

Control::Control(sys::Fd leash) {
  clients_[0].socket = std::move(leash);
  clients_[0].serial = kLeash;
}

sys::Result<void> Control::listen(int directory) {
  BERTH_ASSIGN(
      sys::Fd listener,
      sys::adopt(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket"));
  // By way of the descriptor: the path of the directory may be longer than a socket address holds (unix(7): 108 bytes).
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  sys::copy_text(address.sun_path,
                 sys::Text<64>("/proc/self/fd/", directory, "/control.sock").c_str());
  const mode_t before = umask(0177);
  const int bound = bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
  umask(before);
  if (bound != 0) return sys::last_error("bind");
  if (::listen(listener.get(), kMostClients) != 0) return sys::last_error("listen");
  listener_ = std::move(listener);
  return {};
}

void Control::poll_for(pollfd* fds, int& count) const {
  if (listener_) fds[count++] = {listener_.get(), POLLIN, 0};
  for (const Client& client : clients_) {
    if (client.socket) fds[count++] = {client.socket.get(), POLLIN, 0};
  }
}

void Control::serve(const pollfd* fds, int count) {
  for (int i = 0; i < count; ++i) {
    if (fds[i].revents == 0) continue;
    if (fds[i].fd == listener_.get()) accept_client();
    for (Client& client : clients_) {
      if (client.socket && client.socket.get() == fds[i].fd) receive(client);
    }
  }
}

bool Control::accept_client() {
  sys::Fd socket(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!socket) return false;
  ucred peer = {};
  socklen_t size = sizeof peer;
  if (getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.uid != geteuid())
    return true;
  for (int i = 1; i < kMostClients; ++i) {
    if (clients_[i].socket) continue;
    clients_[i].socket = std::move(socket);
    clients_[i].used = 0;
    clients_[i].serial = ++last_serial_;
    return true;
  }
  // Full: closing it tells the newcomer so.
  return true;
}

void Control::receive(Client& client) {
  static_assert(Request::kMostFds <= sys::kMostPassed);
  const ssize_t length = sys::receive_with_descriptors(
      client.socket.get(), client.line + client.used, sizeof client.line - client.used, client.fds,
      Request::kMostFds, MSG_DONTWAIT);
  if (length < 0 && errno == EAGAIN) return;
  if (length > 0) client.used += static_cast<size_t>(length);
  auto* newline = static_cast<char*>(memchr(client.line, '\n', client.used));
  while (length > 0 && newline != nullptr) {
    *newline = '\0';
    obey(client, client.line);
    const auto taken = static_cast<size_t>(newline - client.line) + 1;
    client.used -= taken;
    memmove(client.line, client.line + taken, client.used);
    newline = static_cast<char*>(memchr(client.line, '\n', client.used));
  }
  // What came with a request that nobody took it from is not kept for another.
  for (sys::Fd& fd : client.fds) fd.reset();
  if (length <= 0 || client.used == sizeof client.line) client.socket.reset();
}

void Control::obey(Client& client, const char* request) {
  if (strcmp(request, "status") == 0) {
    send_line(client, status_);
  } else if (strcmp(request, "wait") == 0) {
    // Nothing to do but to stay: the end is told to everybody who is still there.
  } else if (strncmp(request, "signal ", 7) == 0) {
    const auto number = static_cast<int>(sys::leading_number(request + 7));
    const int failure = sys::kernel::pidfd_send_signal(task_pidfd_, number) == 0 ? 0 : errno;
    if (failure == 0 && number != 0 && journal_ != nullptr)
      journal_->tell("kill", Journal::Attributes("\"signal\":", number));
    send_line(client, sys::Text<64>("signalled ", failure).c_str());
  } else {
    RequestHandler::Answer answer;
    if (handler_.answer != nullptr)
      answer.add(handler_.answer(handler_.self, {client.serial, request, client.fds}));
    send_line(client, answer.size() == 0 ? "unknown" : answer.c_str());
  }
}

void Control::send_line(Client& client, const char* line, const int* fds, size_t count) {
  if (!client.socket || count > Request::kMostFds) return;
  iovec parts[2] = {{const_cast<char*>(line), strlen(line)}, {const_cast<char*>("\n"), 1}};
  msghdr message = {};
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  alignas(cmsghdr) char ancillary[CMSG_SPACE(Request::kMostFds * sizeof(int))] = {};
  if (count > 0) {
    message.msg_control = ancillary;
    message.msg_controllen = static_cast<socklen_t>(CMSG_SPACE(count * sizeof(int)));
    cmsghdr* head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = static_cast<socklen_t>(CMSG_LEN(count * sizeof(int)));
    memcpy(CMSG_DATA(head), fds, count * sizeof(int));
  }
  // A client that does not read its few lines is let go rather than waited for.
  const ssize_t sent = sendmsg(client.socket.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent != static_cast<ssize_t>(parts[0].iov_len + 1)) client.socket.reset();
}

void Control::set_status(const char* line) {
  status_ = line;
  tell_leash(line);
}

void Control::tell(uint32_t serial, const char* line) {
  for (Client& client : clients_) {
    if (client.serial == serial) send_line(client, line);
  }
}

bool Control::connected(uint32_t serial) const {
  for (const Client& client : clients_) {
    if (client.socket && client.serial == serial) return true;
  }
  return false;
}

void Control::announce_exit(const char* line, const int* fds, size_t count) {
  // Whoever has connected, or has asked and was not read yet, is told as well: this is the last chance.
  while (listener_ && accept_client()) {
  }
  listener_.reset();
  for (Client& client : clients_) {
    if (client.socket) receive(client);
    if (client.socket) send_line(client, line, fds, client.serial == kLeash ? count : 0);
  }
}

}  // namespace berth::init
