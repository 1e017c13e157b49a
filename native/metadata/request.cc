#include "metadata/request.h"

#include <charconv>

namespace berth::metadata {
namespace {

constexpr std::string_view kLineEnd = "\r\n", kHeadEnd = "\r\n\r\n";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_name(std::string_view given, std::string_view wanted) {
  if (given.size() != wanted.size()) return false;
  for (size_t i = 0; i < given.size(); ++i)
    if (lower(given[i]) != wanted[i]) return false;
  return true;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t";
  const size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

struct Head {
  int refused = 0;
  size_t body_size = 0;
  bool has_size = false, wants_continue = false;
};

/// Two lengths, or none that is a number, are what requests are smuggled by: refused.
void read_header(std::string_view name, std::string_view value, Head& head, Request& request) {
  if (same_name(name, "metadata-flavor")) request.flavored = value == "AppContainer";
  if (same_name(name, "transfer-encoding")) head.refused = 501;
  if (same_name(name, "expect") && value == "100-continue") head.wants_continue = true;
  if (!same_name(name, "content-length")) return;
  const auto [end, error] =
      std::from_chars(value.data(), value.data() + value.size(), head.body_size);
  if (head.has_size || error != std::errc() || end != value.data() + value.size() || value.empty())
    head.refused = 400;
  if (head.body_size > kMostBody) head.refused = 413;
  head.has_size = true;
}

bool read_start(std::string_view line, Request& request) {
  const size_t first = line.find(' '), last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return false;
  request.method = line.substr(0, first);
  request.path = line.substr(first + 1, last - first - 1);
  request.path = request.path.substr(0, request.path.find('?'));
  const std::string_view version = line.substr(last + 1);
  return request.path.starts_with('/') && version.starts_with("HTTP/1.") && version.size() == 8;
}

Parsed refused(int status) {
  Parsed parsed;
  parsed.state = Parsed::State::kRefused;
  parsed.status = status;
  return parsed;
}

}  // namespace

Parsed parse_request(std::string_view sent) {
  const size_t head_size = sent.substr(0, kMostHead).find(kHeadEnd);
  if (head_size == std::string_view::npos)
    return sent.size() >= kMostHead ? refused(431) : Parsed();
  std::string_view lines = sent.substr(0, head_size + kLineEnd.size());
  Parsed parsed;
  Head head;
  for (bool first = true; !lines.empty(); first = false) {
    const size_t end = lines.find(kLineEnd);
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end + kLineEnd.size());
    if (first) {
      if (!read_start(line, parsed.request)) return refused(400);
      continue;
    }
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return refused(400);
    read_header(line.substr(0, colon), trimmed(line.substr(colon + 1)), head, parsed.request);
    if (head.refused != 0) return refused(head.refused);
  }
  const std::string_view body = sent.substr(head_size + kHeadEnd.size());
  parsed.wants_continue = head.wants_continue && body.empty();
  if (body.size() < head.body_size) return parsed;
  parsed.request.body = body.substr(0, head.body_size);
  parsed.state = Parsed::State::kComplete;
  return parsed;
}

}  // namespace berth::metadata
