#include "sys/erofs_mount.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "sys/erofs_tree.h"
#include "sys/kernel.h"
#include "sys/mount_api.h"

namespace berth::sys {
namespace {

/// What fsconfig(2) takes of a text.
constexpr size_t kLongestText = 255;
constexpr uint64_t kAttributes =
    kernel::kMountReadonly | kernel::kMountNodev | kernel::kMountNosuid;

struct NoOption {
  const char* key;
  const char* value;
};

Result<Fd> mount_detached(const std::string& source) {
  return new_filesystem("erofs", source.c_str(), std::initializer_list<NoOption>{}, kAttributes);
}

std::string descriptor_path(const Fd& file) {
  return "/proc/self/fd/" + std::to_string(file.get());
}

Result<void> check(int file, uint64_t bytes, const std::string& identity, Refusal& refusal) {
  struct stat status;
  if (fstat(file, &status) != 0) return last_error("fstat");
  const bool own = S_ISREG(status.st_mode) && status.st_uid == 0 && (status.st_mode & 0077) == 0;
  if (!own) return refusal.refuse("BAD_IMAGE", "its image is not root's own file");
  if (static_cast<uint64_t>(status.st_size) != bytes)
    return refusal.refuse("BAD_IMAGE", "its image has another size than was written");
  erofs::Superblock super{};
  if (pread(file, &super, sizeof super, erofs::kSuperblockAt) != sizeof super)
    return last_error("pread");
  if (super.magic != erofs::kMagic || identity.size() != sizeof super.uuid ||
      memcmp(super.uuid, identity.data(), sizeof super.uuid) != 0)
    return refusal.refuse("BAD_IMAGE", "its image is another than was written");
  return {};
}

}  // namespace

Result<void> mount_image(const std::string& image, const std::string& target, uint64_t bytes,
                         const std::string& identity, Refusal& refusal) {
  BERTH_ASSIGN(const Fd file,
               adopt(open(image.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), "open"));
  BERTH_TRY(check(file.get(), bytes, identity, refusal));
  BERTH_ASSIGN(const Fd place,
               adopt(open(target.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), "open"));
  // The mount table tells where it comes from, if that is short enough to be told.
  BERTH_ASSIGN(const Fd mount,
               mount_detached(image.size() <= kLongestText ? image : descriptor_path(file)));
  return attach(mount.get(), place.get());
}

Result<void> unmount_image(const std::string& target) {
  for (;;) {
    if (umount2(target.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) continue;
    // Not a mount point, or nothing at all.
    if (errno == EINVAL || errno == ENOENT) return {};
    return last_error("umount2");
  }
}

Result<void> probe_images(const std::string& folder) {
  BERTH_ASSIGN(const Fd file,
               adopt(open(folder.c_str(), O_RDWR | O_TMPFILE | O_CLOEXEC, 0600), "open"));
  Refusal refusal;
  constexpr uint64_t kMemory = 1 << 20;
  ErofsTree tree(file.get(), kMemory, refusal);
  BERTH_TRY(tree.finish(std::string(sizeof(erofs::Superblock::uuid), '\0')));
  BERTH_ASSIGN(const Fd mount, mount_detached(descriptor_path(file)));
  return {};
}

}  // namespace berth::sys
