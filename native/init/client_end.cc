#include "init/client_end.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "sys/text.h"

namespace berth::init {

ClientEnd::ClientEnd(int number, Direction direction) {
  struct stat status;
  if (fstat(number, &status) != 0) return;
  if (S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3)) return;
  is_socket_ = S_ISSOCK(status.st_mode);
  if (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode)) {
    fd_.reset(open(sys::Text<32>("/proc/self/fd/", number).c_str(),
                   (direction == kRead ? O_RDONLY : O_WRONLY) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (fd_) return;
  }
  fd_.reset(fcntl(number, F_DUPFD_CLOEXEC, 3));
}

ssize_t ClientEnd::write(const char* bytes, size_t count) {
  return sys::retry_interrupted([&] {
    return is_socket_ ? send(fd_.get(), bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL)
                      : ::write(fd_.get(), bytes, count);
  });
}

ssize_t ClientEnd::read(char* bytes, size_t count) {
  return sys::retry_interrupted([&] { return ::read(fd_.get(), bytes, count); });
}

}  // namespace berth::init
