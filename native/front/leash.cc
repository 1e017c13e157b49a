#include "front/leash.h"

#include <sys/socket.h>

#include <cstring>

namespace berth::front {

std::optional<std::string> Leash::pending() {
  const size_t end = bytes_.find('\n');
  if (end == std::string::npos) return {};
  std::string line = bytes_.substr(0, end);
  bytes_.erase(0, end + 1);
  return line;
}

bool Leash::fill() {
  char part[4096];
  const ssize_t length =
      sys::retry_interrupted([&] { return read(socket_.get(), part, sizeof part); });
  // ECONNRESET: how the kernel ends a connection whose other side went away before it had read everything.
  if (length <= 0) return false;
  bytes_.append(part, static_cast<size_t>(length));
  return true;
}

std::optional<std::string> Leash::next() {
  for (;;) {
    if (auto line = pending()) return line;
    if (!fill()) return {};
  }
}

void Leash::say(const std::string& line) {
  const std::string whole = line + "\n";
  (void)!send(socket_.get(), whole.data(), whole.size(), MSG_NOSIGNAL);
}

std::optional<std::string> after(const std::string& line, const char* word) {
  const size_t length = strlen(word);
  if (line.compare(0, length, word) != 0) return {};
  if (line.size() == length) return "";
  if (line[length] != ' ') return {};
  return line.substr(length + 1);
}

}  // namespace berth::front
