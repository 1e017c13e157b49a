// Whether the layers below one that is being unpacked are all there: they may be unpacked at the same time.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>

namespace berth::sys {

class LayersBelow {
 public:
  /// Who unpacks them: `there`, or they will never be. Only the first call counts.
  void settle(bool there) {
    const std::lock_guard<std::mutex> hold(mutex_);
    if (!there_) there_ = there;
    changed_.notify_all();
  }

  /// Waits until that is known.
  bool wait() {
    std::unique_lock<std::mutex> hold(mutex_);
    changed_.wait(hold, [&] { return there_.has_value(); });
    return *there_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<bool> there_;
};

}  // namespace berth::sys
