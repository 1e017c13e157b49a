#include "init/listener.h"

#include <sys/mman.h>

#include <cstring>

namespace berth::init {

bool Listener::start(ClientEnd end) {
  stop();
  head_ = tail_ = 0;
  missed_ = 0;
  if (!end) return true;
  // Its pages come with the first output that waits, and go with the client.
  void* ring = mmap(nullptr, kRing, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (ring == MAP_FAILED) return false;
  ring_ = static_cast<char*>(ring);
  end_ = std::move(end);
  return true;
}

void Listener::stop() {
  end_.close();
  head_ = tail_;
  if (ring_ != nullptr) munmap(ring_, kRing);
  ring_ = nullptr;
}

void Listener::offer(const char* bytes, size_t count) {
  if (ring_ == nullptr) return;
  const size_t room = kRing - (head_ - tail_);
  const size_t taken = count < room ? count : room;
  missed_ += count - taken;
  const size_t place = head_ % kRing;
  const size_t first = taken < kRing - place ? taken : kRing - place;
  memcpy(ring_ + place, bytes, first);
  memcpy(ring_, bytes + first, taken - first);
  head_ += taken;
  flush();
}

void Listener::flush() {
  while (ring_ != nullptr && head_ != tail_) {
    const size_t place = tail_ % kRing;
    const size_t owed = head_ - tail_;
    const ssize_t written = end_.write(ring_ + place, owed < kRing - place ? owed : kRing - place);
    if (written < 0 && errno == EAGAIN) return;
    // A reader that has gone takes nothing from the others.
    if (written <= 0) return stop();
    tail_ += static_cast<size_t>(written);
  }
}

}  // namespace berth::init
