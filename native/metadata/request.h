// One HTTP/1.1 request (RFC 9112), out of what a client has sent so far. Whoever sends it is in the pod, and may send anything.
#pragma once

#include <cstddef>
#include <string_view>

namespace berth::metadata {

/// What all of a request may have. What is signed is no larger either.
constexpr size_t kMostHead = 8 * 1024, kMostBody = size_t{256} * 1024;

/// Views of what was sent.
struct Request {
  std::string_view method;
  std::string_view path;  // without what follows a `?`
  std::string_view body;
  bool flavored = false;  // `Metadata-Flavor: AppContainer`
};

struct Parsed {
  enum class State { kIncomplete, kComplete, kRefused };
  State state = State::kIncomplete;
  int status = 0;  // of HTTP, if it is refused
  bool wants_continue =
      false;  // its client waits for a word before it sends the rest (RFC 9110, 10.1.1)
  Request request;
};

Parsed parse_request(std::string_view sent);

}  // namespace berth::metadata
