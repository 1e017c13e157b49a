#include "init/own_view.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

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
      BERTH_ASSIGN(const Fd tree, mount.plain
                                      ? sys::clone_plain_tree(mount.source, mount.recursive)
                                      : sys::clone_tree(AT_FDCWD, mount.source, mount.recursive));
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

/// Covers what is there, and only if it is: a link of the image's is followed inside the container alone, where it says.
Result<void> cover(int root, const char* path) {
  auto target = sys::open_in_root(root, path, O_PATH);
  if (!target) {
    const int why = target.error().number;
    return why == ENOENT || why == ENOTDIR ? Result<void>() : target.error();
  }
  struct stat status;
  if (fstat(target->get(), &status) != 0) return sys::last_error("fstat");
  const sys::Text<32> name("../", S_ISDIR(status.st_mode) ? kEmptyDirectory : kNullDevice);
  BERTH_ASSIGN(const Fd tree, sys::clone_tree(AT_FDCWD, name.c_str(), false));
  return sys::attach(tree.get(), target->get());
}

Result<void> make_readonly(int root, const char* path) {
  auto target = sys::open_in_root(root, path, O_PATH);
  if (!target) {
    const int why = target.error().number;
    return why == ENOENT || why == ENOTDIR ? Result<void>() : target.error();
  }
  BERTH_ASSIGN(const Fd tree, sys::clone_tree(target->get(), "", true));
  BERTH_TRY(sys::set_attributes(tree.get(), sys::kernel::kMountReadonly, 0, false));
  return sys::attach(tree.get(), target->get());
}

Result<void> mask(const Plan& plan, int root, Progress& progress) {
  for (const char* path : plan.masked) {
    if (!sys::holds("masked-paths")) break;
    progress.at("masks", path);
    BERTH_TRY(cover(root, path));
  }
  for (const char* path : plan.readonly_paths) {
    if (!sys::holds("readonly-paths")) break;
    progress.at("masks", path);
    BERTH_TRY(make_readonly(root, path));
  }
  return {};
}

/// A setting in the proc that was mounted a moment ago. A volume may lie over it or in it, and whoever shares that volume would then choose
/// which file is written (CVE-2019-16884, CVE-2025-52881).
Result<Fd> open_setting(int root, const char* key) {
  const sys::Text<512> path("sys/", key);
  BERTH_ASSIGN(const Fd proc, sys::open_in_root_plain(root, "proc", O_PATH | O_DIRECTORY));
  struct statfs status;
  if (fstatfs(proc.get(), &status) != 0) return sys::last_error("fstatfs");
  constexpr auto kProc = 0x9fa0;  // PROC_SUPER_MAGIC (statfs(2))
  if (!sys::holds("own-proc")) return sys::open_in_root(proc.get(), path.c_str(), O_WRONLY);
  if (status.f_type != kProc) return sys::Error{EXDEV, "fstatfs"};
  return sys::open_beneath_plain(proc.get(), path.c_str(), O_WRONLY);
}

Result<void> write_sysctls(const Plan& plan, int root, Progress& progress) {
  for (const auto& sysctl : plan.sysctls) {
    progress.at("sysctl", sysctl.key);
    BERTH_ASSIGN(const Fd file, open_setting(root, sysctl.key));
    const size_t length = strlen(sysctl.value);
    if (write(file.get(), sysctl.value, length) != static_cast<ssize_t>(length))
      return sys::last_error("write");
  }
  return {};
}

}  // namespace

Result<Fd> complete_own_view(const Plan& plan, Progress& progress) {
  progress.at("pivot");
  // A copy on top of itself: the root as it came from the supervisor is locked, and pivot_root(2) takes no locked mount.
  if (plan.uids.count > 0 && mount("rootfs", "rootfs", nullptr, MS_BIND | MS_REC, nullptr) != 0)
    return sys::last_error("mount");
  if (chdir("rootfs") != 0) return sys::last_error("chdir");
  BERTH_ASSIGN(Fd root, sys::adopt(open(".", O_PATH | O_DIRECTORY | O_CLOEXEC), "open"));
  // Before the pivot: a user namespace may mount proc and sysfs only while it sees others in full (mount_namespaces(7)).
  BERTH_TRY(mount_late(plan, root.get(), progress));
  BERTH_TRY(write_sysctls(plan, root.get(), progress));
  BERTH_TRY(mask(plan, root.get(), progress));
  return root;
}

Result<void> enter_own_view(const Plan& plan, Progress& progress) {
  progress.at("pivot");
  if (sys::kernel::pivot_root(".", ".") != 0) return sys::last_error("pivot_root");
  if (umount2(".", MNT_DETACH) != 0) return sys::last_error("umount2");
  if (chdir("/") != 0) return sys::last_error("chdir");
  // As the caller wants mounts to travel across the border; the host's tree is private to us already, or shared on purpose.
  if (plan.rootfs.propagation != 0 &&
      mount(nullptr, "/", nullptr, static_cast<unsigned long>(plan.rootfs.propagation), nullptr) !=
          0)
    return sys::last_error("mount");
  return {};
}

}  // namespace berth::init
