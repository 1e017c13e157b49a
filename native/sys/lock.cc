#include "sys/lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

namespace berth::sys {

Result<Fd> lock_file(const char* path, LockKind kind, bool wait) {
  const int operation = (kind == LockKind::kShared ? LOCK_SH : LOCK_EX) | (wait ? 0 : LOCK_NB);
  for (;;) {
    BERTH_ASSIGN(Fd file,
                 adopt(open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), "open"));
    if (retry_interrupted([&] { return flock(file.get(), operation); }) != 0)
      return last_error("flock");
    struct stat held, named;
    if (fstat(file.get(), &held) != 0) return last_error("fstat");
    if (lstat(path, &named) == 0 && held.st_dev == named.st_dev && held.st_ino == named.st_ino)
      return file;
  }
}

}  // namespace berth::sys
