#include <fcntl.h>

#include "sys/erofs_mount.h"
#include "sys/erofs_tree.h"

namespace berth::sys {

Result<void> probe_images(const std::string& folder) {
  BERTH_ASSIGN(const Fd file,
               adopt(open(folder.c_str(), O_RDWR | O_TMPFILE | O_CLOEXEC, 0600), "open"));
  Refusal refusal;
  constexpr uint64_t kMemory = 1 << 20;
  ErofsTree tree(file.get(), kMemory, refusal);
  BERTH_TRY(tree.finish(std::string(sizeof(erofs::Superblock::uuid), '\0')));
  BERTH_ASSIGN(const Fd mount, detached_image("/proc/self/fd/" + std::to_string(file.get())));
  return {};
}

}  // namespace berth::sys
