// Reads a launch plan from memory that another process wrote.
#pragma once

#include <cstddef>
#include <new>

#include "launch/plan.h"

namespace berth::launch {

/// Decodes `size` bytes at `data` into a Plan whose lists lie in `arena`. Strings point into `data`. Returns false when the
/// stream is not a plan of this format, is cut short, has bytes left over, or does not fit the arena.
class PlanReader {
 public:
  PlanReader(const char* data, size_t size, char* arena, size_t arena_size)
      : cursor_(data), end_(data + size), arena_(arena), arena_end_(arena + arena_size) {}

  bool read(Plan& plan) {
    uint32_t magic = 0, format = 0;
    fields(magic, format);
    if (!good_ || magic != kPlanMagic || format != kPlanFormat) return false;
    field(plan);
    return good_ && cursor_ == end_;
  }

  template <typename... T>
  void fields(T&... values) {
    (field(values), ...);
  }

 private:
  friend struct Layout<PlanReader>;

  void raw(void* to, size_t size) {
    if (!good_ || static_cast<size_t>(end_ - cursor_) < size) {
      good_ = false;
      memset(to, 0, size);
      return;
    }
    memcpy(to, cursor_, size);
    cursor_ += size;
  }
  void field(uint32_t& value) { raw(&value, sizeof value); }
  void field(uint64_t& value) { raw(&value, sizeof value); }
  void field(bool& value) {
    uint8_t byte = 0;
    raw(&byte, 1);
    if (byte > 1) good_ = false;
    value = byte == 1;
  }
  void field(const char*& text) {
    uint32_t length = 0;
    field(length);
    text = "";
    if (!good_ || static_cast<size_t>(end_ - cursor_) <= length || cursor_[length] != '\0' ||
        memchr(cursor_, '\0', length) != nullptr) {
      good_ = false;
      return;
    }
    text = cursor_;
    cursor_ += length + 1;
  }
  template <typename T>
  void field(List<T>& list) {
    uint32_t count = 0;
    field(count);
    list = {};
    // Every item takes at least one byte of the stream, so a count beyond it is a lie and never reaches the arena.
    if (!good_ || count > static_cast<size_t>(end_ - cursor_)) {
      good_ = false;
      return;
    }
    const size_t bytes = (size_t{count} * sizeof(T) + 7) & ~size_t{7};
    if (static_cast<size_t>(arena_end_ - arena_) < bytes) {
      good_ = false;
      return;
    }
    list.items = reinterpret_cast<T*>(arena_);
    arena_ += bytes;
    for (; list.count < count && good_; ++list.count) {
      T* item = new (&list.items[list.count]) T();
      field(*item);
    }
  }
  template <typename T>
  void field(T& structure) {
    Layout<PlanReader>{*this}(structure);
  }

  const char* cursor_;
  const char* end_;
  char* arena_;
  char* arena_end_;
  bool good_ = true;
};

}  // namespace berth::launch
