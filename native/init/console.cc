#include "init/console.h"

#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>

#include "init/terminal.h"

namespace berth::init {
namespace {

using sys::Result;

constexpr char kMultiplexer[] = "/dev/pts/ptmx";

Result<void> check(int outcome, const char* call) {
  if (outcome != 0) return sys::last_error(call);
  return {};
}

Result<void> send_descriptor(int socket, int descriptor) {
  char name[sizeof kMultiplexer];
  memcpy(name, kMultiplexer, sizeof name);
  iovec text = {name, sizeof name - 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message = {};
  message.msg_iov = &text;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(rights), &descriptor, sizeof descriptor);
  if (sys::retry_interrupted([&] { return sendmsg(socket, &message, MSG_NOSIGNAL); }) < 0)
    return sys::last_error("sendmsg");
  return {};
}

}  // namespace

Result<void> give_console(const launch::Handover& handover, int root, int socket, bool as_console,
                          Progress& progress) {
  progress.at("console", kMultiplexer);
  BERTH_ASSIGN(const Terminal terminal, make_terminal(root, handover.rows, handover.columns));
  if (as_console) {
    progress.at("console", "/dev/console");
    BERTH_TRY(attach_console(root, terminal.program.get()));
  }
  // The caller's reads are its own to wait for.
  BERTH_TRY(check(fcntl(terminal.master.get(), F_SETFL, 0), "fcntl"));
  BERTH_TRY(send_descriptor(socket, terminal.master.get()));
  progress.at("stdio");
  for (int number = 0; number < 3; ++number) {
    if (dup2(terminal.program.get(), number) < 0) return sys::last_error("dup2");
  }
  return check(ioctl(0, TIOCSCTTY, 0), "ioctl");
}

}  // namespace berth::init
