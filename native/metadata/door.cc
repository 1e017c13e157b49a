#include "metadata/door.h"

#include <sys/socket.h>

#include <algorithm>

namespace berth::metadata {
namespace {

/// A client that takes longer than this for one request, in milliseconds, is gone.
constexpr int64_t kPatience = 3000;
/// Between two looks at those who are inside.
constexpr int kMostAccepted = 16;

}  // namespace

void Door::poll_for(std::vector<pollfd>& fds) {
  first_ = fds.size();
  fds.push_back({listener_.get(), POLLIN, 0});
  for (const Connection& each : places_) fds.push_back({each.fd(), each.events(), 0});
}

void Door::serve(const std::vector<pollfd>& fds, int64_t now) {
  for (size_t i = 0; i < places_.size(); ++i) {
    if (fds[first_ + 1 + i].revents != 0) places_[i].serve(speaker_);
    if (places_[i].is_open() && now - places_[i].since() > kPatience) places_[i].close();
  }
  if (fds[first_].revents != 0) accept_some(now);
}

bool Door::is_busy() const {
  return std::any_of(places_.begin(), places_.end(),
                     [](const Connection& each) { return each.is_open(); });
}

void Door::accept_some(int64_t now) {
  for (int i = 0; i < kMostAccepted; ++i) {
    sys::Fd socket(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket) return;
    Connection& place = free_place();
    place.open(std::move(socket), now);
    place.serve(speaker_);
  }
}

/// Who has been there longest makes room: whoever connects and says nothing keeps nobody out.
Connection& Door::free_place() {
  Connection* oldest = &places_.front();
  for (Connection& each : places_) {
    if (!each.is_open()) return each;
    if (each.since() < oldest->since()) oldest = &each;
  }
  oldest->close();
  return *oldest;
}

}  // namespace berth::metadata
