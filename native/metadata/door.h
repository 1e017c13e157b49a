// A listening socket and those who came in by it: room for so many only, and nobody stays long.
#pragma once

#include <poll.h>

#include <vector>

#include "metadata/connection.h"

namespace berth::metadata {

class Door {
 public:
  Door(size_t most, Speaker speaker) : speaker_(speaker), places_(most) {}

  void open(sys::Fd listener) { listener_ = std::move(listener); }
  void poll_for(std::vector<pollfd>& fds);
  /// With what poll(2) has said of those that it was asked for.
  void serve(const std::vector<pollfd>& fds, int64_t now);
  bool is_busy() const;

 private:
  void accept_some(int64_t now);
  Connection& free_place();

  Speaker speaker_;
  sys::Fd listener_;
  std::vector<Connection> places_;
  size_t first_ = 0;  // among those polled
};

}  // namespace berth::metadata
