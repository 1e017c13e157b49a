// Writing that does not stop half-way.
#pragma once

#include <unistd.h>

#include "sys/result.h"

namespace berth::sys {

/// Writes all of it, or gives the errno that stopped it: a disk that fills up first takes a part (write(2)).
inline Result<void> write_all(int fd, const char* bytes, size_t count) {
  while (count > 0) {
    const ssize_t written = retry_interrupted([&] { return write(fd, bytes, count); });
    if (written < 0) return last_error("write");
    bytes += written;
    count -= static_cast<size_t>(written);
  }
  return {};
}

}  // namespace berth::sys
