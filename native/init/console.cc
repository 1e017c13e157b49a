#include "init/console.h"

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/statfs.h>

#include <cstring>

#include "sys/mount_api.h"
#include "sys/rooted_path.h"

namespace berth::init {
namespace {

using sys::Fd;
using sys::Result;

constexpr long kDevptsMagic = 0x1cd1;  // statfs(2)
constexpr char kMultiplexer[] = "/dev/pts/ptmx";

Result<void> check(int outcome, const char* call) {
  if (outcome != 0) return sys::last_error(call);
  return {};
}

/// An image may have anything at that place, unless a devpts is mounted there (CVE-2025-52565).
Result<Fd> open_multiplexer(int root) {
  BERTH_ASSIGN(Fd master, sys::open_in_root_plain(root, kMultiplexer, O_RDWR | O_NOCTTY));
  struct statfs status;
  BERTH_TRY(check(fstatfs(master.get(), &status), "fstatfs"));
  if (status.f_type != kDevptsMagic) return sys::Error{ENODEV, "fstatfs"};
  return master;
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

Result<void> show_as_console(int root, int terminal) {
  BERTH_ASSIGN(const Fd tree, sys::clone_tree(terminal, "", false));
  BERTH_ASSIGN(const Fd place, sys::make_file_in_root(root, "/dev/console"));
  return sys::attach(tree.get(), place.get());
}

}  // namespace

Result<void> give_console(const launch::Handover& handover, int root, int socket,
                          Progress& progress) {
  progress.at("console", kMultiplexer);
  BERTH_ASSIGN(const Fd master, open_multiplexer(root));
  const int unlocked = 0;
  BERTH_TRY(check(ioctl(master.get(), TIOCSPTLCK, &unlocked), "ioctl"));
  // By the master itself and not by its number, which could be another terminal's by now.
  BERTH_ASSIGN(
      const Fd terminal,
      sys::adopt(ioctl(master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC), "ioctl"));
  if (handover.rows != 0 || handover.columns != 0) {
    winsize size = {};
    size.ws_row = static_cast<unsigned short>(handover.rows);
    size.ws_col = static_cast<unsigned short>(handover.columns);
    BERTH_TRY(check(ioctl(master.get(), TIOCSWINSZ, &size), "ioctl"));
  }
  progress.at("console", "/dev/console");
  BERTH_TRY(show_as_console(root, terminal.get()));
  BERTH_TRY(send_descriptor(socket, master.get()));
  progress.at("stdio");
  for (int number = 0; number < 3; ++number) {
    if (dup2(terminal.get(), number) < 0) return sys::last_error("dup2");
  }
  return check(ioctl(0, TIOCSCTTY, 0), "ioctl");
}

}  // namespace berth::init
