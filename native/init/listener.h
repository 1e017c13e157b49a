// A client that listens to one output stream beside the one that launched the container.
#pragma once

#include <cstdint>

#include "init/client_end.h"

namespace berth::init {

/// Never waited for: what it is slow to take is kept in a ring of its own, and what does not fit is lost to it and counted.
class Listener {
 public:
  Listener() = default;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener() { stop(); }

  /// Begins to listen; false: no memory for the ring.
  bool start(ClientEnd end);
  void stop();
  void offer(const char* bytes, size_t count);
  void flush();

  /// What to poll for writing; -1: nothing is owed.
  int owes() const { return head_ == tail_ ? -1 : end_.get(); }
  uint64_t missed() const { return missed_; }

 private:
  static constexpr size_t kRing = 256 * 1024;

  ClientEnd end_;
  char* ring_ = nullptr;
  size_t head_ = 0, tail_ = 0;  // bytes ever put in and taken out
  uint64_t missed_ = 0;
};

}  // namespace berth::init
