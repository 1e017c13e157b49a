#include "sys/chunk_queue.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace berth::sys {

ChunkQueue::ChunkQueue(size_t chunk_size, size_t origin_size, size_t chunks, bool witnessed)
    : chunk_size_(chunk_size),
      origin_size_(origin_size),
      chunks_(chunks),
      memory_(new uint8_t[chunk_size * chunks]),
      origins_(new uint8_t[origin_size * chunks]),
      lengths_(new Lengths[chunks]),
      seen_(witnessed ? 0 : std::numeric_limits<uint64_t>::max()) {}

std::span<uint8_t> ChunkQueue::vacant() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return abandoned_ || !full(); });
  if (abandoned_) return {};
  return {buffer(pushed_), chunk_size_};
}

void ChunkQueue::push(size_t length, size_t origin_length) {
  const std::lock_guard lock(mutex_);
  lengths_[slot_of(pushed_)] = {length, origin_length};
  ++pushed_;
  changed_.notify_all();
}

void ChunkQueue::close(bool failed) {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  failed_ = failed;
  changed_.notify_all();
}

std::optional<ChunkQueue::Witnessed> ChunkQueue::witness() {
  std::unique_lock lock(mutex_);
  if (std::exchange(sees_, false)) {
    ++seen_;
    changed_.notify_all();
  }
  changed_.wait(lock, [&] { return closed_ || pushed_ > seen_; });
  if (pushed_ == seen_) return std::nullopt;
  sees_ = true;
  const size_t slot = slot_of(seen_);
  return Witnessed{{buffer(seen_), lengths_[slot].chunk},
                   {origins_.get() + slot * origin_size_, lengths_[slot].origin}};
}

Result<std::span<const uint8_t>> ChunkQueue::take(uint64_t at_most) {
  // A chunk may be empty: its origin came to nothing.
  while (current_.empty()) {
    std::unique_lock lock(mutex_);
    if (holds_) {
      ++released_;
      holds_ = false;
      changed_.notify_all();
    }
    changed_.wait(lock, [&] { return closed_ || pushed_ > released_; });
    if (pushed_ == released_) {
      if (failed_) return Error{ECANCELED, "read"};
      return std::span<const uint8_t>();
    }
    current_ = {buffer(released_), lengths_[slot_of(released_)].chunk};
    holds_ = true;
  }
  const auto part =
      current_.first(static_cast<size_t>(std::min<uint64_t>(at_most, current_.size())));
  current_ = current_.subspan(part.size());
  return part;
}

void ChunkQueue::abandon() {
  const std::lock_guard lock(mutex_);
  abandoned_ = true;
  changed_.notify_all();
}

}  // namespace berth::sys
