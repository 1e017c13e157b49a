#include "init/input.h"

namespace berth::init {

void Input::open(sys::Fd sink, bool terminal) {
  sink_ = std::move(sink);
  terminal_ = terminal;
}

bool Input::add(uint32_t client, ClientEnd end, const char* keys, bool once) {
  if (!end) return true;
  for (Source& source : sources_) {
    if (source.end) continue;
    source.client = client;
    source.end = std::move(end);
    source.once = once && !terminal_;
    source.keys.set(terminal_ ? keys : "");
    return true;
  }
  return false;
}

void Input::remove(uint32_t client) {
  for (Source& source : sources_) {
    if (source.end && source.client == client) finish(source);
  }
}

uint32_t Input::read_source(int i) {
  Source& source = sources_[i];
  if (!source.end || !sink_) return 0;
  char typed[kBuffer];
  const ssize_t length = source.end.read(typed, sizeof typed);
  if (length < 0 && errno == EAGAIN) return 0;
  if (length <= 0) {
    finish(source);
    return 0;
  }
  bool detached = false;
  sent_ = 0;
  pending_ = source.keys.filter(typed, static_cast<size_t>(length), buffer_, &detached);
  flush();
  return detached ? source.client : 0;
}

void Input::flush() {
  while (sent_ < pending_) {
    const ssize_t written = sys::retry_interrupted(
        [&] { return write(sink_.get(), buffer_ + sent_, pending_ - sent_); });
    if (written < 0 && errno == EAGAIN) return;
    // Nobody reads the container's stdin any more.
    if (written <= 0) return close_sink();
    sent_ += static_cast<size_t>(written);
  }
  if (last_) close_sink();
}

void Input::finish(Source& source) {
  source.end.close();
  if (!source.once) return;
  last_ = true;
  flush();
}

void Input::close_sink() {
  sink_.reset();
  sent_ = pending_ = 0;
}

}  // namespace berth::init
