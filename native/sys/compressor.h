// Compression of what berth writes: the same content always gives the same bytes.
#pragma once

#include <memory>

#include "sys/byte_sink.h"
#include "sys/decompressor.h"

namespace berth::sys {

/// Passes what is written to it on, compressed; nothing is complete before `finish`.
class Compressor : public ByteSink {
 public:
  virtual Result<void> finish() = 0;
};

/// None, gzip (ISA-L) or zstd; nullptr for a kind that berth does not write.
std::unique_ptr<Compressor> make_compressor(Compression compression, ByteSink& output);

}  // namespace berth::sys
