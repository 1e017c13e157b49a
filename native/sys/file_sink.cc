#include "sys/file_sink.h"

#include <poll.h>
#include <unistd.h>

namespace berth::sys {

Result<void> FileSink::write(std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t written =
        retry_interrupted([&] { return ::write(file_, bytes.data(), bytes.size()); });
    if (written >= 0) {
      bytes = bytes.subspan(static_cast<size_t>(written));
      continue;
    }
    if (errno != EAGAIN) return last_error("write");
    pollfd wait{file_, POLLOUT, 0};
    if (retry_interrupted([&] { return poll(&wait, 1, -1); }) < 0) return last_error("poll");
  }
  return {};
}

}  // namespace berth::sys
