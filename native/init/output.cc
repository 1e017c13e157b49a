#include "init/output.h"

namespace berth::init {

void Output::open(sys::Fd source, ClientEnd client, bool terminal) {
  source_ = std::move(source);
  client_ = std::move(client);
  terminal_ = terminal;
}

bool Output::flush() {
  // Somebody who reads all of it is given all of it in the log too, as long as the disk keeps up at all; else nobody waits for a disk.
  logged_ += log_.write(stream_, buffer_ + logged_, pending_ - logged_, static_cast<bool>(client_));
  while (sent_ < pending_) {
    const ssize_t written = client_.write(buffer_ + sent_, pending_ - sent_);
    if (written > 0) {
      sent_ += static_cast<size_t>(written);
      continue;
    }
    if (written < 0 && errno == EAGAIN) return false;
    if (written < 0 && errno != EPIPE) failure_ = errno;
    detach_client();
    // The reader of a foreground client's output is gone. The container learns it as any program in a pipeline does: by EPIPE.
    if (!terminal_) source_.reset();
  }
  return caught_up();
}

bool Output::fill() {
  const ssize_t length =
      sys::retry_interrupted([&] { return read(source_.get(), buffer_, kBuffer); });
  if (length < 0 && errno == EAGAIN && !ending_) return false;
  if (length <= 0) {
    source_.reset();
    return false;
  }
  pending_ = static_cast<size_t>(length);
  logged_ = 0;
  sent_ = client_ ? 0 : pending_;
  return true;
}

void Output::detach_client() {
  client_.close();
  sent_ = pending_;
}

int Output::take_failure() {
  const int failure = failure_;
  failure_ = 0;
  return failure;
}

}  // namespace berth::init
