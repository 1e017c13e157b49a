#include "copy/view.h"

#include <grp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "copy/stopped_view.h"
#include "sys/capability.h"
#include "sys/defence.h"
#include "sys/kernel.h"
#include "sys/process.h"
#include "sys/rooted_path.h"

namespace berth::copy {
namespace {

using sys::Fd;
using sys::Result;

// capability.h: what it takes to read and make files whoever's they are. None of them reaches a device, a mount or another process.
constexpr uint64_t kChown = 1 << 0, kDacOverride = 1 << 1, kDacReadSearch = 1 << 2,
                   kFowner = 1 << 3, kFsetid = 1 << 4, kSetfcap = uint64_t{1} << 31;
constexpr uint64_t kFileRights =
    kChown | kDacOverride | kDacReadSearch | kFowner | kFsetid | kSetfcap;

Result<void> check(int outcome, const char* call) {
  if (outcome != 0) return sys::last_error(call);
  return {};
}

Result<void> keep_file_rights() {
  BERTH_TRY(check(setgroups(0, nullptr), "setgroups"));
  BERTH_TRY(sys::limit_bounding(kFileRights));
  BERTH_TRY(sys::set_capabilities({kFileRights, kFileRights, 0}));
  return check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl");
}

Result<bool> in_another_user_namespace(int proc, pid_t pid) {
  struct stat own, theirs;
  if (fstatat(proc, "self/ns/user", &own, 0) != 0) return sys::last_error("fstatat");
  const std::string path = std::to_string(pid) + "/ns/user";
  if (fstatat(proc, path.c_str(), &theirs, 0) != 0)
    return sys::Error{errno == ENOENT ? ESRCH : errno, "fstatat"};
  return own.st_ino != theirs.st_ino || own.st_dev != theirs.st_dev;
}

Result<void> enter_running(const View& view) {
  BERTH_ASSIGN(const Fd proc, sys::adopt(open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC), "open"));
  BERTH_ASSIGN(const Fd process, sys::open_process(proc.get(), view.pid, view.started));
  if (!sys::holds("copy-inside")) {
    // What other runtimes did: the root of the container, as a folder of the host.
    const std::string root = "/proc/" + std::to_string(view.pid) + "/root";
    return check(chdir(root.c_str()), "chdir");
  }
  BERTH_ASSIGN(const bool other_user, in_another_user_namespace(proc.get(), view.pid));
  BERTH_TRY(check(setns(process.get(), CLONE_NEWNS | (other_user ? CLONE_NEWUSER : 0)), "setns"));
  if (other_user) {
    BERTH_TRY(check(setresgid(0, 0, 0), "setresgid"));
    BERTH_TRY(check(setresuid(0, 0, 0), "setresuid"));
  }
  return check(chdir("/"), "chdir");
}

}  // namespace

Result<Fd> enter_view(Place place, const View& view) {
  if (place == Place::kRunning) BERTH_TRY(enter_running(view));
  if (place == Place::kStopped) BERTH_TRY(enter_stopped(view));
  if (place == Place::kHost) return sys::adopt(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), "open");
  BERTH_TRY(keep_file_rights());
  return sys::adopt(open(".", O_PATH | O_DIRECTORY | O_CLOEXEC), "open");
}

Result<Fd> open_inside(int root, const std::string& path, int flags) {
  if (!sys::holds("copy-inside")) {
    const std::string below = "." + path;
    return sys::adopt(openat(root, below.c_str(), flags | O_CLOEXEC), "openat");
  }
  return sys::open_in_root(root, path.c_str(), flags);
}

}  // namespace berth::copy
