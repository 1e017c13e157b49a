#include "init/root_tree.h"

#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

#include <cstring>

#include "sys/capability.h"
#include "sys/kernel.h"
#include "sys/mount_api.h"
#include "sys/rooted_path.h"

namespace berth::init {
namespace {

using launch::Mount;
using launch::Plan;
using sys::Fd;
using sys::Result;

/// The host id that `inside` is seen as outside; 65534 (nobody) when it is not mapped.
uint32_t outside(const launch::List<launch::IdMap>& maps, uint32_t inside) {
  if (maps.count == 0) return inside;
  for (const auto& map : maps) {
    if (inside - map.inside < map.count) return map.outside + (inside - map.inside);
  }
  return 65534;
}

/// Acts on file systems as another owner. On an id-mapped mount the kernel refuses writes by an owner the map does not know, and overlayfs
/// then silently mounts read-only. Changing the fsuid drops capabilities, so they are raised again.
Result<void> assume_file_identity(uid_t uid, gid_t gid) {
  setfsgid(gid);
  setfsuid(uid);
  if (static_cast<uid_t>(setfsuid(static_cast<uid_t>(-1))) != uid)
    return sys::Error{EPERM, "setfsuid"};
  return sys::raise_effective();
}

struct Parameter {
  const char* key;
  const char* value;
};

/// `base/RELATIVE` in `buffer`.
Result<void> below_base(char (&buffer)[4096], const char* relative) {
  const size_t length = strlen(relative);
  if (length + sizeof "base/" > sizeof buffer) return sys::Error{ENAMETOOLONG, "fsconfig"};
  memcpy(buffer, "base/", 5);
  memcpy(buffer + 5, relative, length + 1);
  return {};
}

/// Kernels before 6.5 know no `lowerdir+`: every layer in one string, whose length mount(2) limits to a page.
Result<Fd> mount_overlay_in_one_string(const launch::Rootfs& rootfs) {
  char data[4096];
  size_t used = 0;
  const auto append = [&](const char* text) {
    const size_t length = strlen(text);
    if (used + length >= sizeof data) return false;
    memcpy(data + used, text, length + 1);
    used += length;
    return true;
  };
  bool fits = append("lowerdir=");
  for (uint32_t i = 0; i < rootfs.layers.count; ++i) {
    fits = fits && append(i == 0 ? "base/" : ":base/") && append(rootfs.layers.items[i]);
  }
  fits = fits && append(",upperdir=base/") && append(rootfs.upper) && append(",workdir=base/") &&
         append(rootfs.work) && append(",redirect_dir=nofollow,metacopy=off,index=off") &&
         (!rootfs.is_volatile || append(",volatile"));
  if (!fits) return sys::Error{E2BIG, "mount"};
  if (mount("berth", "rootfs", "overlay", 0, data) != 0) return sys::last_error("mount");
  auto tree = sys::clone_tree(AT_FDCWD, "rootfs", false);
  if (umount2("rootfs", MNT_DETACH) != 0) return sys::last_error("umount2");
  return tree;
}

/// redirect_dir and metacopy are off: both would let a layer's extended attributes name other files of the layers' file system.
Result<Fd> mount_overlay(const launch::Rootfs& rootfs) {
  BERTH_ASSIGN(const Fd context, sys::open_filesystem("overlay"));
  const auto set = [&](const char* key, const char* value) {
    const unsigned command =
        value[0] == '\0' ? sys::kernel::kFsconfigSetFlag : sys::kernel::kFsconfigSetString;
    return sys::configure(context.get(), command, key, value);
  };
  char path[4096];
  for (const char* layer : rootfs.layers) {
    BERTH_TRY(below_base(path, layer));
    if (auto added = set("lowerdir+", path); !added) {
      if (added.error().number == EINVAL) return mount_overlay_in_one_string(rootfs);
      return added.error();
    }
  }
  BERTH_TRY(set("source", "berth"));
  BERTH_TRY(below_base(path, rootfs.upper));
  BERTH_TRY(set("upperdir", path));
  BERTH_TRY(below_base(path, rootfs.work));
  BERTH_TRY(set("workdir", path));
  constexpr Parameter kSettings[] = {
      {"redirect_dir", "nofollow"}, {"metacopy", "off"}, {"index", "off"}};
  for (const auto& setting : kSettings) BERTH_TRY(set(setting.key, setting.value));
  if (rootfs.is_volatile) BERTH_TRY(set("volatile", ""));
  return sys::create_filesystem(context.get(), 0);
}

Result<void> attach_at(const Fd& mount, const char* path) {
  BERTH_ASSIGN(const Fd target, sys::adopt(open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), "open"));
  return sys::attach(mount.get(), target.get());
}

Result<void> build_overlay(const Plan& plan, int userns, Progress& progress) {
  progress.at("layers", plan.rootfs.base);
  BERTH_ASSIGN(const Fd base, sys::clone_tree(AT_FDCWD, plan.rootfs.base, false));
  BERTH_TRY(sys::set_attributes(base.get(), 0, 0, false, userns));
  if (mkdir("base", 0755) != 0) return sys::last_error("mkdir");
  BERTH_TRY(attach_at(base, "base"));
  progress.at("overlay", plan.rootfs.upper);
  BERTH_ASSIGN(const Fd overlay, mount_overlay(plan.rootfs));
  struct statvfs status;
  if (fstatvfs(overlay.get(), &status) != 0) return sys::last_error("fstatvfs");
  // overlayfs falls back to read-only without an error when it cannot write to its work directory.
  if ((status.f_flag & ST_RDONLY) != 0) return sys::Error{EROFS, "fsmount"};
  // The base stays attached behind it: it goes with the rest of the stage, and an unmount of its own would cost more than all of this.
  return attach_at(overlay, "rootfs");
}

Result<void> build_from_directory(const Plan& plan, int userns, Progress& progress) {
  progress.at("rootfs", plan.rootfs.directory);
  BERTH_ASSIGN(const Fd tree, sys::clone_tree(AT_FDCWD, plan.rootfs.directory, false));
  BERTH_TRY(sys::set_attributes(tree.get(), 0, 0, false, userns));
  return attach_at(tree, "rootfs");
}

Result<Fd> make_mount(const Mount& mount, int userns, Progress& progress) {
  if (mount.kind == launch::MountKind::kFilesystem) {
    return sys::new_filesystem(mount.type, mount.source, mount.options, mount.set);
  }
  BERTH_ASSIGN(Fd tree, sys::clone_tree(AT_FDCWD, mount.source, mount.recursive));
  if (mount.idmap && userns >= 0) {
    progress.at("idmap", mount.source);
    BERTH_TRY(sys::set_attributes(tree.get(), 0, 0, false, userns));
  }
  BERTH_TRY(sys::set_attributes(tree.get(), mount.set, mount.clear, mount.recursive));
  return tree;
}

/// Is `target` strictly below one of the mounts that the first process will make?
bool below_late_mount(const Plan& plan, const char* target) {
  for (const Mount& mount : plan.mounts) {
    const size_t length = strlen(mount.target);
    if (mount.late && strncmp(target, mount.target, length) == 0 && target[length] == '/')
      return true;
  }
  return false;
}

Result<void> attach_mounts(const Plan& plan, int root, int userns, Progress& progress) {
  for (const Mount& mount : plan.mounts) {
    if (mount.late) {
      progress.at("mount", mount.target);
      if (below_late_mount(plan, mount.target)) continue;
      BERTH_ASSIGN(const Fd target, sys::make_directory_in_root(root, mount.target));
      // A /proc that is really a link would put the masks elsewhere than the files they hide.
      BERTH_ASSIGN(const Fd plain,
                   sys::open_in_root_plain(root, mount.target, O_PATH | O_DIRECTORY));
      continue;
    }
    progress.at("volume", mount.kind == launch::MountKind::kBind ? mount.source : mount.target);
    BERTH_ASSIGN(const Fd tree, make_mount(mount, userns, progress));
    progress.at("mount", mount.target);
    struct stat status;
    if (fstat(tree.get(), &status) != 0) return sys::last_error("fstat");
    BERTH_ASSIGN(const Fd target, S_ISDIR(status.st_mode)
                                      ? sys::make_directory_in_root(root, mount.target)
                                      : sys::make_file_in_root(root, mount.target));
    BERTH_TRY(sys::attach(tree.get(), target.get()));
  }
  return {};
}

Result<void> make_devices(const Plan& plan, int root, Progress& progress) {
  for (const auto& device : plan.devices) {
    progress.at("device", device.path);
    const char* name = nullptr;
    BERTH_ASSIGN(const Fd parent, sys::make_parent_in_root(root, device.path, &name));
    if (mknodat(parent.get(), name, device.type | device.mode,
                makedev(device.major, device.minor)) != 0) {
      return sys::last_error("mknodat");
    }
    const uid_t uid = outside(plan.uids, device.uid);
    const gid_t gid = outside(plan.gids, device.gid);
    if (fchownat(parent.get(), name, uid, gid, AT_SYMLINK_NOFOLLOW) != 0)
      return sys::last_error("fchownat");
  }
  for (const auto& link : plan.links) {
    progress.at("link", link.key);
    const char* name = nullptr;
    BERTH_ASSIGN(const Fd parent, sys::make_parent_in_root(root, link.key, &name));
    if (symlinkat(link.value, parent.get(), name) != 0 && errno != EEXIST)
      return sys::last_error("symlinkat");
  }
  return {};
}

/// Shared by every masked directory, and read-only before it is attached anywhere.
Result<void> make_empty_directory() {
  if (mkdir(kEmptyDirectory, 0755) != 0) return sys::last_error("mkdir");
  BERTH_ASSIGN(const Fd empty, sys::clone_tree(AT_FDCWD, kEmptyDirectory, false));
  BERTH_TRY(sys::set_attributes(empty.get(),
                                sys::kernel::kMountReadonly | sys::kernel::kMountNosuid |
                                    sys::kernel::kMountNodev | sys::kernel::kMountNoexec,
                                0, false));
  return attach_at(empty, kEmptyDirectory);
}

Result<void> fill(const Plan& plan, int userns, Progress& progress) {
  if (plan.rootfs.layers.count > 0) {
    BERTH_TRY(build_overlay(plan, userns, progress));
  } else {
    BERTH_TRY(build_from_directory(plan, userns, progress));
  }
  progress.at("rootfs");
  BERTH_ASSIGN(const Fd root, sys::adopt(open("rootfs", O_PATH | O_DIRECTORY | O_CLOEXEC), "open"));
  BERTH_TRY(attach_mounts(plan, root.get(), userns, progress));
  BERTH_TRY(make_devices(plan, root.get(), progress));
  progress.at("cwd", plan.process.cwd);
  if (!below_late_mount(plan, plan.process.cwd)) {
    BERTH_ASSIGN(const Fd cwd, sys::make_directory_in_root(root.get(), plan.process.cwd));
  }
  progress.at("masks");
  BERTH_TRY(make_empty_directory());
  if (plan.rootfs.readonly) {
    progress.at("readonly");
    BERTH_TRY(sys::set_attributes(root.get(), sys::kernel::kMountReadonly, 0, false));
  }
  return {};
}

}  // namespace

Result<void> build_root_tree(const Plan& plan, int userns, Progress& progress) {
  if (mkdir("rootfs", 0755) != 0) return sys::last_error("mkdir");
  if (userns < 0) return fill(plan, userns, progress);
  BERTH_TRY(assume_file_identity(outside(plan.uids, 0), outside(plan.gids, 0)));
  auto outcome = fill(plan, userns, progress);
  BERTH_TRY(assume_file_identity(0, 0));
  return outcome;
}

}  // namespace berth::init
