#include "init/own_view.h"

#include <sys/mount.h>
#include <sys/stat.h>

#include <cstring>

#include "init/root_tree.h"
#include "sys/defence.h"
#include "sys/kernel.h"
#include "sys/mount_api.h"
#include "sys/rooted_path.h"
#include "sys/text.h"

namespace berth::init {
namespace {

using launch::Plan;
using sys::Fd;
using sys::Result;

/// `/proc/kcore` as seen from the new root, which is the working directory until the pivot.
const char* relative(const char* path) {
  while (*path == '/') ++path;
  return *path == '\0' ? "." : path;
}

Result<void> mount_late(const Plan& plan, int root, Progress& progress) {
  for (const auto& mount : plan.mounts) {
    if (!mount.late) continue;
    progress.at("mount", mount.target);
    // The supervisor has made the targets in the image's tree; those inside a mount of ours are made here.
    auto target = sys::open_in_root_plain(root, mount.target, O_PATH);
    if (!target && target.error().number == ENOENT)
      target = sys::make_directory_in_root(root, mount.target);
    if (!target) return target.error();
    if (mount.kind == launch::MountKind::kBind) {
      BERTH_ASSIGN(const Fd tree, sys::clone_tree(AT_FDCWD, mount.source, mount.recursive));
      BERTH_TRY(sys::set_attributes(tree.get(), mount.set, mount.clear, mount.recursive));
      BERTH_TRY(sys::attach(tree.get(), target->get()));
    } else {
      BERTH_ASSIGN(const Fd tree,
                   sys::new_filesystem(mount.type, mount.source, mount.options, mount.set));
      BERTH_TRY(sys::attach(tree.get(), target->get()));
    }
  }
  return {};
}

/// By path, because the paths lie in the proc and sysfs that were mounted a moment ago; what this kernel does not have is passed over.
Result<void> mask(const Plan& plan, Progress& progress) {
  for (const char* path : plan.masked) {
    if (!sys::holds("masked-paths")) break;
    progress.at("masks", path);
    struct stat status;
    if (lstat(relative(path), &status) != 0) {
      if (errno == ENOENT) continue;
      return sys::last_error("lstat");
    }
    const sys::Text<32> cover("../", S_ISDIR(status.st_mode) ? kEmptyDirectory : kNullDevice);
    if (mount(cover.c_str(), relative(path), nullptr, MS_BIND, nullptr) != 0)
      return sys::last_error("mount");
  }
  for (const char* path : plan.readonly_paths) {
    if (!sys::holds("readonly-paths")) break;
    progress.at("masks", path);
    const char* here = relative(path);
    if (mount(here, here, nullptr, MS_BIND | MS_REC, nullptr) != 0) {
      if (errno == ENOENT) continue;
      return sys::last_error("mount");
    }
    constexpr unsigned long kFlags =
        MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
    if (mount(nullptr, here, nullptr, kFlags, nullptr) != 0) return sys::last_error("mount");
  }
  return {};
}

Result<void> write_sysctls(const Plan& plan, int root, Progress& progress) {
  for (const auto& sysctl : plan.sysctls) {
    progress.at("sysctl", sysctl.key);
    const sys::Text<512> path("proc/sys/", sysctl.key);
    BERTH_ASSIGN(const Fd file, sys::open_in_root_plain(root, path.c_str(), O_WRONLY));
    const size_t length = strlen(sysctl.value);
    if (write(file.get(), sysctl.value, length) != static_cast<ssize_t>(length))
      return sys::last_error("write");
  }
  return {};
}

}  // namespace

Result<void> enter_own_view(const Plan& plan, Progress& progress) {
  progress.at("pivot");
  // A copy on top of itself: the root as it came from the supervisor is locked, and pivot_root(2) takes no locked mount.
  if (mount("rootfs", "rootfs", nullptr, MS_BIND | MS_REC, nullptr) != 0)
    return sys::last_error("mount");
  if (chdir("rootfs") != 0) return sys::last_error("chdir");
  BERTH_ASSIGN(const Fd root, sys::adopt(open(".", O_PATH | O_DIRECTORY | O_CLOEXEC), "open"));
  // Before the pivot: a user namespace may mount proc and sysfs only while it sees others in full (mount_namespaces(7)).
  BERTH_TRY(mount_late(plan, root.get(), progress));
  BERTH_TRY(write_sysctls(plan, root.get(), progress));
  BERTH_TRY(mask(plan, progress));
  progress.at("pivot");
  if (sys::kernel::pivot_root(".", ".") != 0) return sys::last_error("pivot_root");
  if (umount2(".", MNT_DETACH) != 0) return sys::last_error("umount2");
  if (chdir("/") != 0) return sys::last_error("chdir");
  return {};
}

}  // namespace berth::init
