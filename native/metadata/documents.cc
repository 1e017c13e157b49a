#include "metadata/documents.h"

#include <sys/mman.h>
#include <unistd.h>

#include <charconv>

namespace berth::metadata {
namespace {

using sys::Result;

constexpr size_t kLongestLine = 256;

/// Takes what stands before `mark`, and the mark, off `text`. False: there is no mark.
bool cut(std::string_view& text, char mark, std::string_view& part) {
  const size_t end = text.find(mark);
  if (end == std::string_view::npos) return false;
  part = text.substr(0, end);
  text.remove_prefix(end + 1);
  return !part.empty();
}

bool read_number(std::string_view text, size_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

Result<void> receive_whole(int from, char* bytes, size_t count) {
  while (count > 0) {
    const ssize_t length = sys::retry_interrupted([&] { return read(from, bytes, count); });
    if (length < 0) return sys::last_error("read");
    if (length == 0) return sys::Error{EPIPE, "read"};
    bytes += length;
    count -= static_cast<size_t>(length);
  }
  return {};
}

}  // namespace

const Document* Pod::find(std::string_view path) const {
  for (const Document& document : documents)
    if (document.path == path) return &document;
  return nullptr;
}

Result<std::string> receive_line(int from) {
  std::string line;
  for (;;) {
    char byte = '\0';
    BERTH_TRY(receive_whole(from, &byte, 1));
    if (byte == '\n') return line;
    if (line.size() == kLongestLine) return sys::Error{EPROTO, "read"};
    line.push_back(byte);
  }
}

bool split_documents(std::string_view text, std::vector<Document>& documents) {
  while (!text.empty()) {
    Document document;
    std::string_view number;
    size_t length = 0;
    if (!cut(text, ' ', document.path) || !cut(text, ' ', number) ||
        !cut(text, '\n', document.type) || !read_number(number, length) || length > text.size())
      return false;
    document.body = text.substr(0, length);
    text.remove_prefix(length);
    documents.push_back(document);
  }
  return true;
}

Result<Pod> receive_pod(int from) {
  const sys::Error wrong = {EPROTO, "read"};
  BERTH_ASSIGN(const std::string line, receive_line(from));
  std::string_view rest = line;
  std::string_view word, uuid, token;
  size_t count = 0;
  if (!cut(rest, ' ', word) || word != "pod" || !cut(rest, ' ', uuid) || !cut(rest, ' ', token) ||
      !read_number(rest, count) || count > kMostBytes)
    return wrong;
  const size_t head = uuid.size() + token.size();
  void* room =
      mmap(nullptr, head + count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (room == MAP_FAILED) return sys::last_error("mmap");
  char* bytes = static_cast<char*>(room);
  uuid.copy(bytes, uuid.size());
  token.copy(bytes + uuid.size(), token.size());
  BERTH_TRY(receive_whole(from, bytes + head, count));
  if (mprotect(room, head + count, PROT_READ) != 0) return sys::last_error("mprotect");
  Pod pod = {{bytes, uuid.size()}, {bytes + uuid.size(), token.size()}, {}};
  if (!split_documents({bytes + head, count}, pod.documents)) return wrong;
  return pod;
}

}  // namespace berth::metadata
