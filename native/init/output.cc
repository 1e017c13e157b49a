#include "init/output.h"
#include "sys/text.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace berth::init {

ClientEnd::ClientEnd(int number) {
  struct stat status;
  if (fstat(number, &status) != 0) return;
  // /dev/null is how a launcher says that nobody listens.
  if (S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3)) return;
  is_socket_ = S_ISSOCK(status.st_mode);
  if (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode)) {
    fd_.reset(open(sys::Text<32>("/proc/self/fd/", number).c_str(),
                   O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
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

bool Output::flush() {
  while (sent_ < pending_) {
    const ssize_t written = client_.write(buffer_ + sent_, pending_ - sent_);
    if (written > 0) {
      sent_ += static_cast<size_t>(written);
      continue;
    }
    if (written < 0 && errno == EAGAIN) return false;
    // The reader of a foreground client's output is gone. The container learns it as any program in a pipeline does: by EPIPE.
    client_.close();
    pipe_.reset();
    sent_ = pending_ = 0;
    return false;
  }
  sent_ = pending_ = 0;
  return true;
}

bool Output::fill() {
  const ssize_t length =
      sys::retry_interrupted([&] { return read(pipe_.get(), buffer_, kBuffer); });
  if (length < 0 && errno == EAGAIN && !ending_) return false;
  if (length <= 0) {
    pipe_.reset();
    return false;
  }
  log_.write(stream_, buffer_, static_cast<size_t>(length));
  if (client_) pending_ = static_cast<size_t>(length);
  return true;
}

void Output::move() {
  constexpr int kRounds = 8;
  for (int round = 0; round < kRounds; ++round) {
    if (!flush()) return;
    if (!pipe_ || !fill()) return;
  }
}

void Output::detach_client() {
  client_.close();
  sent_ = pending_ = 0;
}

}  // namespace berth::init
