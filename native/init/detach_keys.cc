#include "init/detach_keys.h"

#include <cstring>

namespace berth::init {
namespace {

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

}  // namespace

void DetachKeys::set(const char* hexadecimal) {
  count_ = typed_ = 0;
  const size_t length = strlen(hexadecimal);
  if (length % 2 != 0 || length > 2 * kMost) return;
  for (size_t i = 0; i < length; i += 2) {
    const int high = digit(hexadecimal[i]), low = digit(hexadecimal[i + 1]);
    if (high < 0 || low < 0) return;
    keys_[i / 2] = static_cast<char>(high * 16 + low);
  }
  count_ = length / 2;
}

size_t DetachKeys::filter(const char* from, size_t count, char* to, bool* detached) {
  *detached = false;
  if (count_ == 0) {
    memcpy(to, from, count);
    return count;
  }
  size_t used = 0;
  for (size_t i = 0; i < count; ++i) {
    // Of what was held back, a shorter part may still be the beginning: `aab` within `aaab`.
    while (typed_ > 0 && from[i] != keys_[typed_]) {
      size_t keep = typed_ - 1;
      while (keep > 0 && memcmp(keys_, keys_ + typed_ - keep, keep) != 0) --keep;
      memcpy(to + used, keys_, typed_ - keep);
      used += typed_ - keep;
      typed_ = keep;
    }
    if (from[i] != keys_[typed_]) {
      to[used++] = from[i];
      continue;
    }
    if (++typed_ == count_) {
      typed_ = 0;
      *detached = true;
      return used;
    }
  }
  return used;
}

}  // namespace berth::init
