#include "front/small_file.h"

#include <sys/stat.h>

#include "sys/fd.h"

namespace berth::front {

std::optional<std::string> read_small_file(const std::string& path, size_t most) {
  const sys::Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status;
  if (!file || fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  std::string text;
  char part[16384];
  for (;;) {
    const ssize_t length =
        sys::retry_interrupted([&] { return read(file.get(), part, sizeof part); });
    if (length < 0) return {};
    if (length == 0) return text;
    text.append(part, static_cast<size_t>(length));
    if (text.size() > most) return {};
  }
}

}  // namespace berth::front
