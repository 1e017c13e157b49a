#include "sys/cgroup_path.h"

#include <fcntl.h>

#include <cstdio>
#include <cstring>

#include "sys/fd.h"

namespace berth::sys {
namespace {

/// FILEID_KERNFS of include/linux/exportfs.h: a handle that is the id alone.
constexpr int kKernfsHandle = 0xfe;

}  // namespace

Result<CgroupPath> cgroup_path(const char* hierarchy, uint64_t id) {
  BERTH_ASSIGN(const Fd mount, adopt(open(hierarchy, O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open"));
  struct {
    file_handle head;
    char id[sizeof(uint64_t)];
  } handle{};
  handle.head.handle_bytes = sizeof handle.id;
  handle.head.handle_type = kKernfsHandle;
  memcpy(handle.id, &id, sizeof id);
  BERTH_ASSIGN(
      const Fd group,
      adopt(open_by_handle_at(mount.get(), &handle.head, O_PATH | O_CLOEXEC), "open_by_handle_at"));
  char link[32];
  snprintf(link, sizeof link, "/proc/self/fd/%d", group.get());
  CgroupPath path;
  const ssize_t length = readlink(link, path.characters, sizeof path.characters - 1);
  if (length < 0) return last_error("readlink");
  path.characters[length] = '\0';
  return path;
}

}  // namespace berth::sys
