// Tells of processes that the kernel kills for want of memory while their container runs.
#pragma once

#include <poll.h>

#include <cstdint>

#include "init/journal.h"
#include "init/oom.h"
#include "sys/fd.h"

namespace berth::init {

class OomWatch {
 public:
  /// `first`: the container's first process on the host.
  OomWatch(OomWitness& witness, const Journal& journal, pid_t first)
      : witness_(witness), journal_(journal), first_(first) {}

  /// Where the kernel cannot be waited for, all is told at the end.
  void begin();
  /// Adds one; so many as it always adds.
  void poll_for(pollfd* fds, int& count);
  static constexpr int kPolled = 1;
  /// How long to wait at most, in milliseconds; -1: for ever.
  int timeout() const { return looks_until_ == 0 ? -1 : kPause; }
  void serve(const pollfd* fds);

 private:
  /// On v1 memory has run out, and the kill that follows is not counted yet; or none follows.
  static constexpr int kPause = 20, kPatience = 5000;

  OomWitness& witness_;
  const Journal& journal_;
  const pid_t first_;
  bool counts_ = false;      // the kernel's count can be read
  sys::Fd told_;             // v1: counts each time that memory runs out
  int place_ = 0;            // of what was added
  int64_t looks_until_ = 0;  // CLOCK_MONOTONIC, milliseconds; 0: nothing is to come
};

}  // namespace berth::init
