// A blob being made: hashed as an archive, compressed, hashed again and written.
#pragma once

#include "sys/compressor.h"
#include "sys/layer_blob.h"
#include "sys/sha256.h"

namespace berth::sys {

class BlobSink : public ByteSink {
 public:
  /// `file` stays the caller's. `compression` is none, gzip or zstd.
  BlobSink(int file, Compression compression)
      : compression_(compression), end_(file), compressor_(make_compressor(compression, end_)) {}

  Result<void> write(std::span<const uint8_t> bytes) override;
  /// Writes what is still held back, and tells what was made.
  Result<BlobFacts> finish();

 private:
  class End : public ByteSink {
   public:
    explicit End(int file) : file_(file) {}
    Result<void> write(std::span<const uint8_t> bytes) override;
    uint64_t size = 0;
    Sha256 hash;

   private:
    const int file_;
  };

  const Compression compression_;
  End end_;
  std::unique_ptr<Compressor> compressor_;
  Sha256 archive_hash_;
  uint64_t archive_bytes_ = 0;
};

}  // namespace berth::sys
