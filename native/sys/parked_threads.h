// Threads that wait for more work instead of ending: starting one costs more than much of what is asked of them.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "sys/result.h"

namespace berth::sys {

class ParkedThreads {
 public:
  /// Of the whole process; never destroyed, since threads may wait in it when the process ends.
  static ParkedThreads& shared();

  /// Runs `work` on a thread that is parked, else on a new one: nothing ever waits for a thread. EAGAIN: the limit of threads is
  /// reached (pthread_create(3)).
  Result<void> run(std::function<void()> work);

 private:
  /// That many wait; what there is beside them ends with its work.
  static constexpr size_t kMostParked = 4;

  struct Seat {
    std::condition_variable wake;
    std::function<void()> work;
  };

  void serve(std::unique_ptr<Seat> seat);

  std::mutex mutex_;
  std::vector<Seat*> parked_;  // the last to come is the first to go: its memory is warm
};

}  // namespace berth::sys
