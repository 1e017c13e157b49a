// Where bytes that are being made go.
#pragma once

#include <cstdint>
#include <span>

#include "sys/result.h"

namespace berth::sys {

class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual Result<void> write(std::span<const uint8_t> bytes) = 0;
};

}  // namespace berth::sys
