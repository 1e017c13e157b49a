#include "sys/layer_lowers.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>

#include "sys/directory_names.h"
#include "sys/kernel.h"

namespace berth::sys {

Result<std::string> link_text(int directory, const char* name) {
  char text[PATH_MAX];
  const ssize_t length = readlinkat(directory, name, text, sizeof text);
  if (length < 0) return last_error("readlinkat");
  return std::string(text, static_cast<size_t>(length));
}

bool is_whiteout(const struct stat& status) {
  return S_ISCHR(status.st_mode) && status.st_rdev == makedev(0, 0);
}

Result<bool> is_opaque(int directory) {
  char value = 0;
  const ssize_t length = fgetxattr(directory, "trusted.overlay.opaque", &value, 1);
  if (length < 0) {
    if (errno == ENODATA || errno == EOPNOTSUPP) return false;
    return last_error("fgetxattr");
  }
  return length == 1 && value == 'y';
}

Result<LowerDirectory::Found> LowerDirectory::find(const char* name) const {
  Found found;
  for (const auto& layer : layers_) {
    if (fstatat(layer->get(), name, &found.status, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) continue;
      return last_error("fstatat");
    }
    if (is_whiteout(found.status)) break;
    found.holder = layer->get();
    found.kind = S_ISDIR(found.status.st_mode)   ? Kind::kDirectory
                 : S_ISLNK(found.status.st_mode) ? Kind::kSymlink
                                                 : Kind::kOther;
    break;
  }
  return found;
}

Result<std::vector<std::string>> LowerDirectory::names() const {
  std::vector<std::string> all;
  for (const auto& layer : layers_) {
    BERTH_ASSIGN(std::vector<std::string> some, directory_names(layer->get()));
    all.insert(all.end(), std::make_move_iterator(some.begin()),
               std::make_move_iterator(some.end()));
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

Result<LowerDirectory> LowerDirectory::enter(const char* name) const {
  const kernel::OpenHow how{
      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0,
      kernel::kResolveBeneath | kernel::kResolveNoSymlinks | kernel::kResolveNoMagiclinks};
  LowerDirectory merged;
  for (const auto& layer : layers_) {
    const long number = kernel::openat2(layer->get(), name, how);
    if (number < 0 && errno == ENOENT) continue;
    // Anything but a directory ends what is merged.
    if (number < 0 && (errno == ENOTDIR || errno == ELOOP)) break;
    BERTH_ASSIGN(Fd directory, adopt(number, "openat2"));
    BERTH_ASSIGN(const bool opaque, is_opaque(directory.get()));
    merged.layers_.push_back(std::make_shared<const Fd>(std::move(directory)));
    if (opaque) break;
  }
  return merged;
}

}  // namespace berth::sys
