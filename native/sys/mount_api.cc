#include "sys/mount_api.h"

#include <fcntl.h>
#include <sys/mount.h>

#include "sys/kernel.h"
#include "sys/rooted_path.h"

namespace berth::sys {

Result<Fd> open_filesystem(const char* type) {
  return adopt(kernel::fsopen(type, kernel::kFsopenCloexec), "fsopen");
}

Result<void> configure(int context, unsigned command, const char* key, const char* value) {
  const char* argument = command == kernel::kFsconfigSetFlag ? nullptr : value;
  if (kernel::fsconfig(context, command, key, argument, 0) != 0) return last_error("fsconfig");
  return {};
}

Result<Fd> create_filesystem(int context, uint64_t attributes) {
  if (kernel::fsconfig(context, kernel::kFsconfigCreate, nullptr, nullptr, 0) != 0) {
    return last_error("fsconfig");
  }
  return adopt(kernel::fsmount(context, kernel::kFsmountCloexec, attributes), "fsmount");
}

Result<Fd> clone_tree(int directory, const char* path, bool recursive) {
  const unsigned flags = kernel::kOpenTreeClone | kernel::kOpenTreeCloexec |
                         (recursive ? static_cast<unsigned>(kernel::kAtRecursive) : 0U) |
                         (path[0] == '\0' ? static_cast<unsigned>(kernel::kAtEmptyPath) : 0U);
  return adopt(kernel::open_tree(directory, path, flags), "open_tree");
}

Result<Fd> clone_plain_tree(const char* path, bool recursive) {
  BERTH_ASSIGN(const Fd root, adopt(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), "open"));
  BERTH_ASSIGN(const Fd place, open_in_root_plain(root.get(), path, O_PATH));
  return clone_tree(place.get(), "", recursive);
}

Result<void> set_attributes(int mount, uint64_t set, uint64_t clear, bool recursive, int userns) {
  kernel::MountAttr attributes = {set, clear, 0, 0};
  if (userns >= 0) {
    attributes.set |= kernel::kMountIdmap;
    attributes.userns_fd = static_cast<uint64_t>(userns);
  }
  if (attributes.set == 0 && attributes.clear == 0) return {};
  const auto flags =
      static_cast<unsigned>(kernel::kAtEmptyPath | (recursive ? kernel::kAtRecursive : 0));
  if (kernel::mount_setattr(mount, "", flags, attributes) != 0) return last_error("mount_setattr");
  return {};
}

Result<void> set_propagation(int mount, uint64_t propagation) {
  if (propagation == 0) return {};
  const kernel::MountAttr attributes = {0, 0, propagation & ~uint64_t{MS_REC}, 0};
  const auto flags = static_cast<unsigned>(
      kernel::kAtEmptyPath | ((propagation & MS_REC) != 0 ? kernel::kAtRecursive : 0));
  if (kernel::mount_setattr(mount, "", flags, attributes) != 0) return last_error("mount_setattr");
  return {};
}

Result<void> attach(int mount, int target) {
  const unsigned flags = kernel::kMoveMountFromEmptyPath | kernel::kMoveMountToEmptyPath;
  if (kernel::move_mount(mount, "", target, "", flags) != 0) return last_error("move_mount");
  return {};
}

}  // namespace berth::sys
