#include "sys/parked_threads.h"

#include "sys/thread.h"

namespace berth::sys {

ParkedThreads& ParkedThreads::shared() {
  static auto& only = *new ParkedThreads;
  return only;
}

Result<void> ParkedThreads::run(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    if (!parked_.empty()) {
      Seat* const seat = parked_.back();
      parked_.pop_back();
      seat->work = std::move(work);
      seat->wake.notify_one();
      return {};
    }
  }
  auto seat = std::make_shared<std::unique_ptr<Seat>>(std::make_unique<Seat>());
  (*seat)->work = std::move(work);
  BERTH_ASSIGN(const pthread_t thread, start_thread([this, seat] { serve(std::move(*seat)); }));
  pthread_detach(thread);
  return {};
}

void ParkedThreads::serve(std::unique_ptr<Seat> seat) {
  for (;;) {
    seat->work();
    std::unique_lock lock(mutex_);
    // What it held is let go of before it waits.
    seat->work = nullptr;
    if (parked_.size() == kMostParked) return;
    parked_.push_back(seat.get());
    seat->wake.wait(lock, [&] { return static_cast<bool>(seat->work); });
  }
}

}  // namespace berth::sys
