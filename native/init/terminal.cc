#include "init/terminal.h"

#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "sys/kernel.h"
#include "sys/mount_api.h"
#include "sys/rooted_path.h"

namespace berth::init {
namespace {

using sys::Fd;
using sys::Result;

constexpr long kDevptsMagic = 0x1cd1;  // statfs(2)

Result<Fd> open_multiplexer(int root) {
  using namespace sys::kernel;
  BERTH_ASSIGN(const Fd folder, sys::open_in_root_plain(root, "/dev/pts", O_PATH | O_DIRECTORY));
  struct statfs kind;
  if (fstatfs(folder.get(), &kind) != 0) return sys::last_error("fstatfs");
  if (static_cast<long>(kind.f_type) != kDevptsMagic) return sys::Error{ENODEV, "fstatfs"};
  // In a devpts nobody makes files, so only another mount could be in the way.
  const OpenHow how = {O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0,
                       kResolveBeneath | kResolveNoXdev | kResolveNoSymlinks};
  return sys::adopt(openat2(folder.get(), "ptmx", how), "openat2");
}

}  // namespace

Result<Terminal> make_terminal(int root, uint32_t rows, uint32_t columns) {
  Terminal terminal;
  BERTH_ASSIGN(terminal.master, open_multiplexer(root));
  const int master = terminal.master.get();
  constexpr unsigned long kSetLock = 0x40045431, kGetPeer = 0x5441;  // TIOCSPTLCK, TIOCGPTPEER
  const int unlocked = 0;
  if (ioctl(master, kSetLock, &unlocked) != 0) return sys::last_error("ioctl");
  BERTH_ASSIGN(terminal.program,
               sys::adopt(ioctl(master, kGetPeer, O_RDWR | O_NOCTTY | O_CLOEXEC), "ioctl"));
  winsize size = {};
  size.ws_row = static_cast<unsigned short>(rows);
  size.ws_col = static_cast<unsigned short>(columns);
  if (rows > 0 && columns > 0 && ioctl(master, TIOCSWINSZ, &size) != 0)
    return sys::last_error("ioctl");
  return terminal;
}

Result<void> attach_console(int root, int terminal) {
  BERTH_ASSIGN(const Fd folder, sys::open_in_root_plain(root, "/dev", O_PATH | O_DIRECTORY));
  {
    const Fd made(openat(folder.get(), "console", O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!made && errno != EEXIST) return sys::last_error("openat");
  }
  BERTH_ASSIGN(const Fd place, sys::open_in_root_plain(folder.get(), "console", O_PATH));
  BERTH_ASSIGN(const Fd tree, sys::clone_tree(terminal, "", false));
  return sys::attach(tree.get(), place.get());
}

}  // namespace berth::init
