#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <climits>

#include "sys/fd.h"
#include "sys/kernel.h"
#include "sys/probe.h"
#include "sys/probe_child.h"

namespace berth::sys {
namespace {

constexpr unsigned kIds = 65536;

Result<void> write_file(const char* path, const char* text) {
  BERTH_ASSIGN(const Fd file, adopt(open(path, O_WRONLY | O_CLOEXEC), "open"));
  if (write(file.get(), text, strlen(text)) < 0) return last_error("write");
  return {};
}

/// A user namespace that maps `first_id` and on to 0 and on. A child holds it open while its maps are written.
Result<Fd> mapped_user_namespace(unsigned first_id) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return last_error("pipe2");
  const Fd read_end(ends[0]);
  Fd write_end(ends[1]);
  kernel::CloneArgs arguments{};
  arguments.flags = kernel::kCloneNewUser;
  const long pid = kernel::clone3(&arguments);
  if (pid < 0) return last_error("clone3");
  if (pid == 0) {
    // The copy of the write end here would keep the pipe open for ever.
    close(write_end.get());
    char byte = 0;
    while (read(read_end.get(), &byte, 1) < 0 && errno == EINTR) {
    }
    syscall(SYS_exit_group, 0);
  }
  const auto prepare = [&]() -> Result<Fd> {
    char path[64];
    char map[64];
    snprintf(map, sizeof map, "0 %u %u", first_id, kIds);
    snprintf(path, sizeof path, "/proc/%ld/uid_map", pid);
    BERTH_TRY(write_file(path, map));
    snprintf(path, sizeof path, "/proc/%ld/gid_map", pid);
    BERTH_TRY(write_file(path, map));
    snprintf(path, sizeof path, "/proc/%ld/ns/user", pid);
    return adopt(open(path, O_RDONLY | O_CLOEXEC), "open");
  };
  auto prepared = prepare();
  write_end.reset();
  retry_interrupted([&] { return waitpid(static_cast<pid_t>(pid), nullptr, __WALL); });
  return prepared;
}

/// A detached clone of `directory` that shows ids from 0 as ids from `first_id`.
Result<Fd> idmapped_clone(int directory, unsigned first_id) {
  BERTH_ASSIGN(const Fd user, mapped_user_namespace(first_id));
  constexpr unsigned kFlags =
      kernel::kOpenTreeClone | kernel::kOpenTreeCloexec | kernel::kAtEmptyPath;
  BERTH_ASSIGN(Fd tree, adopt(kernel::open_tree(directory, "", kFlags), "open_tree"));
  kernel::MountAttr attributes{};
  attributes.set = kernel::kMountIdmap;
  attributes.userns_fd = static_cast<uint64_t>(user.get());
  if (kernel::mount_setattr(tree.get(), "", kernel::kAtEmptyPath, attributes) != 0) {
    return last_error("mount_setattr");
  }
  return tree;
}

/// An overlay of l, u and w below the current folder, never attached. A new file through it proves that it is writable.
Result<void> try_overlay() {
  BERTH_ASSIGN(const Fd context,
               adopt(kernel::fsopen("overlay", kernel::kFsopenCloexec), "fsopen"));
  const char* const options[][2] = {{"lowerdir", "l"}, {"upperdir", "u"}, {"workdir", "w"}};
  for (const auto& [key, value] : options) {
    if (kernel::fsconfig(context.get(), kernel::kFsconfigSetString, key, value, 0) != 0) {
      return last_error("fsconfig");
    }
  }
  if (kernel::fsconfig(context.get(), kernel::kFsconfigCreate, nullptr, nullptr, 0) != 0) {
    return last_error("fsconfig");
  }
  BERTH_ASSIGN(const Fd mount,
               adopt(kernel::fsmount(context.get(), kernel::kFsmountCloexec, 0), "fsmount"));
  BERTH_ASSIGN(const Fd file,
               adopt(openat(mount.get(), "probe", O_CREAT | O_WRONLY | O_CLOEXEC, 0600), "openat"));
  return {};
}

/// The same from within `folder`, with the file system ids of a container's root, without which the kernel mounts an overlay of
/// id-mapped layers read-only.
Result<void> try_overlay_as(int folder, unsigned first_id) {
  if (fchdir(folder) != 0) return last_error("fchdir");
  kernel::CapHeader header{kernel::kCapVersion3, 0};
  kernel::CapData before[2];
  if (kernel::capget(header, before) != 0) return last_error("capget");
  setfsgid(first_id);
  setfsuid(first_id);
  // Another fsuid takes the capabilities over files away (capabilities(7)); the overlay's creation needs them.
  const Result<void> outcome =
      kernel::capset(header, before) == 0 ? try_overlay() : Result<void>(last_error("capset"));
  setfsuid(0);
  setfsgid(0);
  return outcome;
}

/// Overlay over an id-mapped clone of the stage, attached in a private mount namespace, the way a launch has it.
Result<void> try_idmapped_overlay(const char* path, unsigned first_id) {
  BERTH_ASSIGN(const Fd source, adopt(open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), "open"));
  BERTH_ASSIGN(const Fd tree, idmapped_clone(source.get(), first_id));
  if (unshare(CLONE_FS | CLONE_NEWNS) != 0) return last_error("unshare");
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return last_error("mount");
  // Opened anew: a descriptor from before leads into the mount namespace that was left.
  BERTH_ASSIGN(const Fd place, adopt(open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), "open"));
  if (kernel::move_mount(tree.get(), "", place.get(), "",
                         kernel::kMoveMountFromEmptyPath | kernel::kMoveMountToEmptyPath) != 0) {
    return last_error("move_mount");
  }
  const Result<void> outcome = try_overlay_as(tree.get(), first_id);
  // Else the folder below could not be removed from here. The mount namespace is private: nobody else sees this.
  if (chdir("/") != 0 || umount2(path, MNT_DETACH) != 0) return last_error("umount2");
  return outcome;
}

/// Removes what the probes may have left in `directory`: their few files and folders, at most two deep.
void empty(int directory, int depth) {
  const Fd copy(openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  DIR* stream = copy ? fdopendir(dup(copy.get())) : nullptr;
  if (stream == nullptr) return;
  while (const dirent* entry = readdir(stream)) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    if (unlinkat(directory, entry->d_name, 0) == 0 || depth == 0) continue;
    const Fd inner(
        openat(directory, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (inner) empty(inner.get(), depth - 1);
    unlinkat(directory, entry->d_name, AT_REMOVEDIR);
  }
  closedir(stream);
}

Error outcome_of(const Result<void>& result) { return result ? Error{} : result.error(); }

}  // namespace

int probe_directory(const char* directory, unsigned first_id, Probe* probes) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/.berth-doctor-XXXXXX", directory);
  if (mkdtemp(path) == nullptr) {
    const Error refused = last_error("mkdtemp");
    probes[0] = {"idmap", refused};
    probes[1] = {"overlay", refused};
    probes[2] = {"idmapped overlay", refused};
    return 3;
  }
  const Fd stage(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto folders = [&]() -> Result<void> {
    for (const char* name : {"l", "u", "w"}) {
      if (mkdirat(stage.get(), name, 0755) != 0) return last_error("mkdirat");
    }
    return {};
  };

  const auto clone = idmapped_clone(stage.get(), first_id);
  probes[0] = {"idmap", clone ? Error{} : clone.error()};

  const auto plain = [&]() -> Result<void> {
    BERTH_TRY(folders());
    // The thread's own working directory from here on: fsconfig takes no descriptor for these.
    if (unshare(CLONE_FS) != 0) return last_error("unshare");
    if (fchdir(stage.get()) != 0) return last_error("fchdir");
    return try_overlay();
  };
  probes[1] = {"overlay", outcome_of(plain())};
  empty(stage.get(), 2);

  const auto mapped = [&]() -> Result<void> {
    BERTH_TRY(folders());
    return try_idmapped_overlay(path, first_id);
  };
  probes[2] = {"idmapped overlay", outcome_of(mapped())};
  empty(stage.get(), 2);
  rmdir(path);
  return 3;
}

}  // namespace berth::sys
