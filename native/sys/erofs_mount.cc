#include "sys/erofs_mount.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/erofs_format.h"
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

std::string digits_of(const unsigned char (&bytes)[16]) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string digits;
  for (const unsigned char byte : bytes) {
    digits += kDigits[byte >> 4];
    digits += kDigits[byte & 15];
  }
  return digits;
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
  if (super.magic != erofs::kMagic || digits_of(super.uuid) != identity)
    return refusal.refuse("BAD_IMAGE", "its image is another than was written");
  return {};
}

Result<Fd> verified_image(const std::string& image, uint64_t bytes, const std::string& identity,
                          Refusal& refusal) {
  BERTH_ASSIGN(const Fd file,
               adopt(open(image.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), "open"));
  BERTH_TRY(check(file.get(), bytes, identity, refusal));
  // The mount table tells where it comes from, if that is short enough to be told.
  const bool told = image.size() <= kLongestText;
  return detached_image(told ? image : "/proc/self/fd/" + std::to_string(file.get()));
}

}  // namespace

Result<Fd> detached_image(const std::string& source) {
  return new_filesystem("erofs", source.c_str(), std::initializer_list<NoOption>{}, kAttributes);
}

Result<void> mount_image(const std::string& image, const std::string& target, uint64_t bytes,
                         const std::string& identity, Refusal& refusal) {
  BERTH_ASSIGN(const Fd place,
               adopt(open(target.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), "open"));
  BERTH_ASSIGN(const Fd mount, verified_image(image, bytes, identity, refusal));
  return attach(mount.get(), place.get());
}

Result<void> try_image(const std::string& image, const std::string&, uint64_t bytes,
                       const std::string& identity, Refusal& refusal) {
  BERTH_TRY(verified_image(image, bytes, identity, refusal));
  return {};
}

Result<void> unmount_image(const std::string& target) {
  for (;;) {
    if (umount2(target.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) continue;
    // Not a mount point, or nothing at all.
    if (errno == EINVAL || errno == ENOENT) return {};
    return last_error("umount2");
  }
}

}  // namespace berth::sys
