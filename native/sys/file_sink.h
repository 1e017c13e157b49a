// A file or pipe that is written to.
#pragma once

#include "sys/byte_sink.h"

namespace berth::sys {

class FileSink : public ByteSink {
 public:
  /// `file` stays the caller's.
  explicit FileSink(int file) : file_(file) {}
  /// All of it, however long a reader takes, also where somebody has made the pipe non-blocking.
  Result<void> write(std::span<const uint8_t> bytes) override;

 private:
  const int file_;
};

}  // namespace berth::sys
