#include <sys/stat.h>

#include "runtime/record.h"
#include "runtime/trouble.h"
#include "sys/write_all.h"

namespace berth::runtime {

std::string read_whole_file(const std::string& path, size_t most) {
  const sys::Fd file = need(sys::adopt(open(path.c_str(), O_RDONLY | O_CLOEXEC), "open"), path);
  std::string text;
  struct stat status;
  if (fstat(file.get(), &status) != 0) fail(path, sys::last_error("fstat"));
  if (!S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode))
    throw Trouble(path + ": is no regular file");
  char part[16384];
  for (;;) {
    const ssize_t length =
        sys::retry_interrupted([&] { return read(file.get(), part, sizeof part); });
    if (length < 0) fail(path, sys::last_error("read"));
    if (length == 0) return text;
    text.append(part, static_cast<size_t>(length));
    if (text.size() > most) throw Trouble(path + ": is longer than " + std::to_string(most));
  }
}

void write_whole_file(const std::string& path, const std::string& text, mode_t mode) {
  const size_t name = path.rfind('/') + 1;
  const std::string temporary = path.substr(0, name) + "." + path.substr(name) + ".new";
  const sys::Fd file =
      need(sys::adopt(
               open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode),
               "open"),
           temporary);
  need(sys::write_all(file.get(), text.data(), text.size()), temporary);
  if (rename(temporary.c_str(), path.c_str()) != 0) fail(path, sys::last_error("rename"));
}

}  // namespace berth::runtime
