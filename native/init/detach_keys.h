// The keys by which somebody at a terminal leaves a container without ending it.
#pragma once

#include <cstddef>

namespace berth::init {

class DetachKeys {
 public:
  static constexpr size_t kMost = 8;

  /// From two hexadecimal digits for each key; none, or what is no such text: never.
  void set(const char* hexadecimal);

  /// Copies what was typed to `to`, which has room for `count` + kMost, without what may be the keys' beginning: that comes with a later call. `*detached`:
  /// all of them were typed; nothing behind them is copied.
  size_t filter(const char* from, size_t count, char* to, bool* detached);

 private:
  char keys_[kMost] = {};
  size_t count_ = 0;
  size_t typed_ = 0;
};

}  // namespace berth::init
