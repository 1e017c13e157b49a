#include "init/root_tree.h"

#include <sched.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cstring>

#include "init/copy_up.h"
#include "init/overlay.h"
#include "init/volume_content.h"
#include "sys/capability.h"
#include "sys/defence.h"
#include "sys/kernel.h"
#include "sys/mount_api.h"
#include "sys/rooted_path.h"
#include "sys/text.h"

namespace berth::init {
namespace {

using launch::Mount;
using launch::Plan;
using sys::Fd;
using sys::Result;

/// Acts on file systems as another owner. On an id-mapped mount the kernel refuses writes by an owner the map does not know, and overlayfs
/// then silently mounts read-only. Changing the fsuid drops capabilities, so they are raised again.
Result<void> assume_file_identity(uid_t uid, gid_t gid) {
  setfsgid(gid);
  setfsuid(uid);
  if (static_cast<uid_t>(setfsuid(static_cast<uid_t>(-1))) != uid)
    return sys::Error{EPERM, "setfsuid"};
  return sys::raise_effective();
}

Result<void> attach_at(const Fd& mount, const char* path) {
  BERTH_ASSIGN(const Fd target, sys::adopt(open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), "open"));
  return sys::attach(mount.get(), target.get());
}

/// A layer that is mounted on its folder: the copy of the base has the bare folder there.
Result<void> attach_layer(const Plan& plan, const char* layer, int userns, Progress& progress) {
  const sys::Text<4096> source(plan.rootfs.base, '/', layer);
  progress.at("layer", layer);
  BERTH_ASSIGN(const Fd tree, sys::clone_tree(AT_FDCWD, source.c_str(), false));
  struct stat mounted, bare;
  if (fstat(tree.get(), &mounted) != 0 || lstat(plan.rootfs.base, &bare) != 0)
    return sys::last_error("fstat");
  // Somebody has taken it off: a container must not start without a layer.
  if (mounted.st_dev == bare.st_dev) return sys::Error{ENOENT, "open_tree"};
  BERTH_TRY(sys::set_attributes(tree.get(), 0, 0, false, userns));
  return attach_at(tree, sys::Text<4096>(kOverlayBase, '/', layer).c_str());
}

Result<void> build_overlay(const Plan& plan, int userns, Progress& progress) {
  if (plan.rootfs.made) {
    progress.at("overlay", plan.rootfs.upper);
    const Fd overlay(launch::kOverlayFd);
    // As its last container had it. Places to mount on may have to be made first.
    if (plan.rootfs.readonly)
      BERTH_TRY(sys::set_attributes(overlay.get(), 0, sys::kernel::kMountReadonly, false));
    return attach_at(overlay, "rootfs");
  }
  progress.at("layers", plan.rootfs.base);
  BERTH_ASSIGN(const Fd base, sys::clone_tree(AT_FDCWD, plan.rootfs.base, false));
  BERTH_TRY(sys::set_attributes(base.get(), 0, 0, false, userns));
  if (mkdir(kOverlayBase, 0755) != 0) return sys::last_error("mkdir");
  // Stays attached behind the overlay: it goes with the rest of the stage, and an unmount of its own would cost more than all of this.
  BERTH_TRY(attach_at(base, kOverlayBase));
  for (const char* layer : plan.rootfs.mounted)
    BERTH_TRY(attach_layer(plan, layer, userns, progress));
  if (*plan.rootfs.tree != '\0') {
    progress.at("tree", plan.rootfs.tree);
    BERTH_ASSIGN(const Fd tree, sys::clone_tree(AT_FDCWD, plan.rootfs.tree, false));
    BERTH_TRY(sys::set_attributes(tree.get(), 0, 0, false, userns));
    if (mkdir(kOverlayTree, 0755) != 0) return sys::last_error("mkdir");
    BERTH_TRY(attach_at(tree, kOverlayTree));
  }
  progress.at("overlay", plan.rootfs.upper);
  return mount_overlay(plan.rootfs);
}

/// A copy of `kept`, or of what lies at `path` where nothing was kept.
Result<Fd> clone_source(const Fd& kept, const char* path, bool recursive) {
  if (kept) return sys::adopt(fcntl(kept.get(), F_DUPFD_CLOEXEC, 3), "fcntl");
  return sys::clone_tree(AT_FDCWD, path, recursive);
}

Result<void> build_from_directory(const Plan& plan, int userns, const SharedSources& shared,
                                  Progress& progress) {
  const auto& rootfs = plan.rootfs;
  progress.at("rootfs", rootfs.directory);
  BERTH_ASSIGN(const Fd tree, clone_source(shared.root, rootfs.directory, rootfs.recursive));
  BERTH_TRY(sys::set_propagation(tree.get(), rootfs.propagation));
  BERTH_TRY(sys::set_attributes(tree.get(), 0, 0, false, rootfs.idmap ? userns : -1));
  return attach_at(tree, "rootfs");
}

Result<Fd> make_mount(const Mount& mount, int userns, const Fd& kept, Progress& progress) {
  if (mount.kind == launch::MountKind::kFilesystem) {
    BERTH_ASSIGN(Fd made, sys::new_filesystem(mount.type, mount.source, mount.options, mount.set));
    BERTH_TRY(sys::set_propagation(made.get(), mount.propagation));
    return made;
  }
  BERTH_ASSIGN(Fd tree, mount.plain && !kept ? sys::clone_plain_tree(mount.source, mount.recursive)
                                             : clone_source(kept, mount.source, mount.recursive));
  BERTH_TRY(sys::set_propagation(tree.get(), mount.propagation));
  if (mount.idmap && userns >= 0) {
    progress.at("idmap", mount.source);
    BERTH_TRY(sys::set_attributes(tree.get(), 0, 0, false, userns));
  }
  // What is taken holds for the mounts below too; what is given, for this one alone: a folder that the host shows read-only stays so.
  const uint64_t times = mount.clear & sys::kernel::kMountAtimeMask;
  BERTH_TRY(sys::set_attributes(tree.get(), mount.set, times, mount.recursive));
  BERTH_TRY(sys::set_attributes(tree.get(), 0, mount.clear & ~times, false));
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

Result<void> check_device(int folder, const char* name, mode_t type, dev_t number) {
  struct stat status;
  if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0) return sys::last_error("fstatat");
  if ((status.st_mode & S_IFMT) != type || status.st_rdev != number)
    return sys::Error{EEXIST, "mknodat"};
  return {};
}

/// The folders that nodes and links are made in, one after the other: nearly always /dev alone.
class Parents {
 public:
  explicit Parents(int root) : root_(root) {}

  /// The folder of `path`, open, and the name in it.
  Result<int> of(const char* path, const char** name) {
    const char* const slash = strrchr(path, '/');
    const size_t length = slash == nullptr ? 0 : static_cast<size_t>(slash - path) + 1;
    *name = path + length;
    const bool is_name = **name != '\0' && strcmp(*name, ".") != 0 && strcmp(*name, "..") != 0;
    if (!folder_ || !is_name || length != length_ || strncmp(path, path_, length) != 0) {
      BERTH_ASSIGN(folder_, sys::make_parent_in_root(root_, path, name));
      path_ = path;
      length_ = length;
    }
    return folder_.get();
  }

 private:
  int root_;
  Fd folder_;
  const char* path_ = "";
  size_t length_ = 0;
};

Result<void> make_devices(const Plan& plan, int root, Progress& progress) {
  Parents parents(root);
  for (const auto& device : plan.devices) {
    progress.at("device", device.path);
    const char* name = nullptr;
    BERTH_ASSIGN(const int parent, parents.of(device.path, &name));
    const dev_t number = makedev(device.major, device.minor);
    if (mknodat(parent, name, device.type | device.mode, number) != 0) {
      if (errno != EEXIST) return sys::last_error("mknodat");
      // The image may have it already, but nothing else by its name (CVE-2025-31133).
      BERTH_TRY(check_device(parent, name, device.type, number));
      continue;
    }
    const uid_t uid = outside_id(plan.uids, device.uid);
    const gid_t gid = outside_id(plan.gids, device.gid);
    if (fchownat(parent, name, uid, gid, AT_SYMLINK_NOFOLLOW) != 0)
      return sys::last_error("fchownat");
  }
  for (const auto& link : plan.links) {
    progress.at("link", link.key);
    const char* name = nullptr;
    BERTH_ASSIGN(const int parent, parents.of(link.key, &name));
    if (symlinkat(link.value, parent, name) != 0 && errno != EEXIST)
      return sys::last_error("symlinkat");
  }
  return {};
}

/// The volume as the container sees it, owners and all.
Result<void> fill(const Mount& mount, int target, int userns, Progress& progress) {
  progress.at("volume", mount.volume);
  BERTH_ASSIGN(const Fd volume, sys::clone_tree(AT_FDCWD, mount.volume, false));
  if (userns >= 0) BERTH_TRY(sys::set_attributes(volume.get(), 0, 0, false, userns));
  BERTH_TRY(fill_volume(volume.get(), target));
  progress.at("mount", mount.target);
  return {};
}

/// A folder can cover only a folder, and a file only what is none; the kernel's own word for that would be EINVAL.
Result<void> check_kind(const struct stat& source, const Fd& target) {
  struct stat status;
  if (fstat(target.get(), &status) != 0) return sys::last_error("fstat");
  if (S_ISDIR(status.st_mode) && !S_ISDIR(source.st_mode)) return sys::Error{EISDIR, "move_mount"};
  return {};
}

/// A link of the image's must not lead a volume onto the folder of devices: what is made there would be made in the volume.
Result<void> check_place(const Mount& mount, const Fd& target, dev_t device_folder) {
  struct stat status;
  if (fstat(target.get(), &status) != 0) return sys::last_error("fstat");
  const bool says_so = strncmp(mount.target, "/dev", 4) == 0;
  if (device_folder != 0 && status.st_dev == device_folder && !says_so)
    return sys::Error{ELOOP, "move_mount"};
  return {};
}

const Fd kNothingKept;

/// A folder of devices that the caller brings is complete, and not ours to change.
bool brings_devices(const Plan& plan) {
  for (const Mount& mount : plan.mounts) {
    if (mount.kind == launch::MountKind::kBind && strcmp(mount.target, "/dev") == 0) return true;
  }
  return false;
}

Result<void> attach_mounts(const Plan& plan, int root, int userns, const SharedSources& shared,
                           Progress& progress) {
  dev_t device_folder = 0;
  for (uint32_t i = 0; i < plan.mounts.count; ++i) {
    const Mount& mount = plan.mounts.items[i];
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
    const Fd& kept = i < SharedSources::kMost ? shared.mounts[i] : kNothingKept;
    BERTH_ASSIGN(const Fd tree, make_mount(mount, userns, kept, progress));
    progress.at("mount", mount.target);
    struct stat status;
    if (fstat(tree.get(), &status) != 0) return sys::last_error("fstat");
    BERTH_ASSIGN(const Fd target, S_ISDIR(status.st_mode)
                                      ? sys::make_directory_in_root(root, mount.target)
                                      : sys::make_file_in_root(root, mount.target));
    BERTH_TRY(check_kind(status, target));
    if (mount.volume[0] != '\0') BERTH_TRY(fill(mount, target.get(), userns, progress));
    BERTH_TRY(check_place(mount, target, device_folder));
    if (mount.copy_up) BERTH_TRY(copy_up(target.get(), tree.get()));
    BERTH_TRY(sys::attach(tree.get(), target.get()));
    if (mount.kind == launch::MountKind::kFilesystem && strcmp(mount.target, "/dev") == 0) {
      // At once, while nothing else can be in its place.
      device_folder = status.st_dev;
      BERTH_TRY(make_devices(plan, root, progress));
    }
  }
  if (device_folder != 0 || brings_devices(plan)) return {};
  return make_devices(plan, root, progress);
}

/// What masked directories and files are covered with, both read-only before they are attached anywhere, and neither the image's: an empty folder, and
/// the host's null device.
Result<void> make_covers() {
  const uint64_t harmless =
      sys::kernel::kMountReadonly | sys::kernel::kMountNosuid | sys::kernel::kMountNoexec;
  if (mkdir(kEmptyDirectory, 0755) != 0) return sys::last_error("mkdir");
  BERTH_ASSIGN(const Fd empty, sys::clone_tree(AT_FDCWD, kEmptyDirectory, false));
  BERTH_TRY(sys::set_attributes(empty.get(), harmless | sys::kernel::kMountNodev, 0, false));
  BERTH_TRY(attach_at(empty, kEmptyDirectory));

  // The container's own may be a volume's, and then whatever that says (CVE-2025-31133).
  const bool from_host = sys::holds("null-device");
  BERTH_ASSIGN(const Fd null,
               sys::clone_tree(AT_FDCWD, from_host ? "/dev/null" : "rootfs/dev/null", false));
  struct stat status;
  if (fstat(null.get(), &status) != 0) return sys::last_error("fstat");
  const bool is_null = S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3);
  if (!is_null && from_host) return sys::Error{ENODEV, "open_tree"};
  BERTH_TRY(sys::set_attributes(null.get(), harmless, 0, false));
  BERTH_ASSIGN(const Fd place,
               sys::adopt(open(kNullDevice, O_CREAT | O_EXCL | O_CLOEXEC, 0644), "open"));
  BERTH_ASSIGN(const Fd target, sys::adopt(open(kNullDevice, O_PATH | O_CLOEXEC), "open"));
  return sys::attach(null.get(), target.get());
}

Result<void> fill(const Plan& plan, int userns, const SharedSources& shared, Progress& progress) {
  if (plan.rootfs.layers.count > 0 || *plan.rootfs.tree != '\0') {
    BERTH_TRY(build_overlay(plan, userns, progress));
  } else {
    BERTH_TRY(build_from_directory(plan, userns, shared, progress));
  }
  progress.at("rootfs");
  BERTH_ASSIGN(const Fd root, sys::adopt(open("rootfs", O_PATH | O_DIRECTORY | O_CLOEXEC), "open"));
  BERTH_TRY(attach_mounts(plan, root.get(), userns, shared, progress));
  progress.at("cwd", plan.process.cwd);
  if (!plan.process.cwd_is_there && !below_late_mount(plan, plan.process.cwd)) {
    BERTH_ASSIGN(const Fd cwd, sys::make_directory_in_root(root.get(), plan.process.cwd));
  }
  progress.at("masks");
  BERTH_TRY(make_covers());
  if (plan.rootfs.readonly) {
    progress.at("readonly");
    BERTH_TRY(sys::set_attributes(root.get(), sys::kernel::kMountReadonly, 0, false));
  }
  return {};
}

}  // namespace

uint32_t outside_id(const launch::List<launch::IdMap>& maps, uint32_t inside) {
  if (maps.count == 0) return inside;
  for (const auto& map : maps) {
    if (inside - map.inside < map.count) return map.outside + (inside - map.inside);
  }
  return 65534;
}

namespace {

/// A copy of what lies at the plain path of `mount` in another mount namespace. The kernel copies mounts of one's own namespace alone, so that this process
/// goes there and comes back; its working directory is `/` before and after.
Result<Fd> clone_elsewhere(const Mount& mount) {
  BERTH_ASSIGN(const Fd own, sys::adopt(open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC), "open"));
  BERTH_ASSIGN(const Fd other, sys::adopt(open(mount.elsewhere, O_RDONLY | O_CLOEXEC), "open"));
  if (setns(other.get(), CLONE_NEWNS) != 0) return sys::last_error("setns");
  const auto take = [&]() -> Result<Fd> {
    BERTH_ASSIGN(const Fd root, sys::adopt(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), "open"));
    BERTH_ASSIGN(const Fd source, sys::open_in_root_plain(root.get(), mount.source, O_PATH));
    return sys::clone_tree(source.get(), "", mount.recursive);
  };
  auto taken = take();
  if (setns(own.get(), CLONE_NEWNS) != 0) return sys::last_error("setns");
  return taken;
}

}  // namespace

Result<void> SharedSources::take(const Plan& plan, Progress& progress) {
  if (plan.rootfs.propagation != 0 && *plan.rootfs.directory != '\0') {
    progress.at("rootfs", plan.rootfs.directory);
    BERTH_ASSIGN(root, sys::clone_tree(AT_FDCWD, plan.rootfs.directory, plan.rootfs.recursive));
  }
  for (uint32_t i = 0; i < plan.mounts.count; ++i) {
    const Mount& mount = plan.mounts.items[i];
    const bool is_elsewhere = mount.elsewhere[0] != '\0';
    if (mount.kind != launch::MountKind::kBind || (mount.propagation == 0 && !is_elsewhere))
      continue;
    progress.at("volume", mount.source);
    if (i >= kMost) return sys::Error{E2BIG, "open_tree"};
    if (is_elsewhere) {
      BERTH_ASSIGN(mounts[i], clone_elsewhere(mount));
      continue;
    }
    BERTH_ASSIGN(mounts[i], mount.plain ? sys::clone_plain_tree(mount.source, mount.recursive)
                                        : sys::clone_tree(AT_FDCWD, mount.source, mount.recursive));
  }
  return {};
}

Result<void> build_root_tree(const Plan& plan, int userns, const SharedSources& shared,
                             Progress& progress) {
  if (mkdir("rootfs", 0755) != 0) return sys::last_error("mkdir");
  if (userns < 0) return fill(plan, userns, shared, progress);
  BERTH_TRY(assume_file_identity(outside_id(plan.uids, 0), outside_id(plan.gids, 0)));
  auto outcome = fill(plan, userns, shared, progress);
  BERTH_TRY(assume_file_identity(0, 0));
  return outcome;
}

}  // namespace berth::init
