// A file that is still being written, by whom it is written and by whom it is read.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace berth::sys {

class BlobGrowth {
 public:
  /// Writer: the file has so many bytes now.
  void grow_to(uint64_t size) {
    const std::lock_guard<std::mutex> hold(mutex_);
    size_ = size;
    changed_.notify_all();
  }

  /// Writer: nothing more comes. Not `whole`: what is there is of no use.
  void end(bool whole) {
    const std::lock_guard<std::mutex> hold(mutex_);
    if (ended_) return;
    ended_ = true;
    broken_ = !whole;
    changed_.notify_all();
  }

  /// Reader: waits until there is more than `position` bytes, or nothing more comes. False: what is there is of no use.
  bool wait_beyond(uint64_t position) {
    std::unique_lock<std::mutex> hold(mutex_);
    changed_.wait(hold, [&] { return size_ > position || ended_; });
    return !broken_;
  }

  /// Reader: waits for the end. False as above.
  bool wait_for_end() {
    std::unique_lock<std::mutex> hold(mutex_);
    changed_.wait(hold, [&] { return ended_; });
    return !broken_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t size_ = 0;
  bool ended_ = false, broken_ = false;
};

}  // namespace berth::sys
