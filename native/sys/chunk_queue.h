// Bytes handed from one thread to another in large chunks, with a fixed number of buffers: the producer waits for the consumer,
// and for a witness on a third thread that sees every chunk as well.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>

#include "sys/tar_reader.h"

namespace berth::sys {

class ChunkQueue : public ByteSource {
 public:
  /// A chunk, and what it was made of.
  struct Witnessed {
    std::span<const uint8_t> bytes, origin;
  };

  /// A chunk is made of up to `origin_size` bytes. `witnessed`: a witness will see every chunk that is pushed.
  ChunkQueue(size_t chunk_size, size_t origin_size, size_t chunks, bool witnessed);

  /// Producer: the next buffer to fill, or an empty span when the consumer has given up.
  std::span<uint8_t> vacant();
  /// Producer: the buffer beside it, for what it is made of. What is put there stays until another such buffer is written to.
  std::span<uint8_t> origin() {
    return {origins_.get() + slot_of(pushed_) * origin_size_, origin_size_};
  }
  /// Producer: hands over the first `length` bytes of the buffer that `vacant` gave, and to the witness so many of `origin`.
  void push(size_t length, size_t origin_length);
  /// Producer: nothing more follows; `failed` tells the consumer that this end is not the true one.
  void close(bool failed);

  /// Witness: the next whole chunk, valid until the next call; nothing at the end. It gets all that was pushed, whatever becomes of the
  /// consumer.
  std::optional<Witnessed> witness();

  /// Consumer: up to `at_most` of the next bytes, valid until the next call; empty at the end.
  /// ECANCELED when the producer failed.
  Result<std::span<const uint8_t>> take(uint64_t at_most) override;
  /// Consumer or witness: needs no more.
  void abandon();

 private:
  bool full() const { return pushed_ - std::min(released_, seen_) >= chunks_; }
  size_t slot_of(uint64_t number) const { return number % chunks_; }
  uint8_t* buffer(uint64_t number) { return memory_.get() + slot_of(number) * chunk_size_; }

  struct Lengths {
    size_t chunk = 0, origin = 0;
  };
  const size_t chunk_size_, origin_size_, chunks_;
  std::unique_ptr<uint8_t[]> memory_, origins_;
  std::unique_ptr<Lengths[]> lengths_;
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t pushed_ = 0, released_ = 0;
  uint64_t seen_;  // by the witness; the highest number when there is none
  bool closed_ = false, failed_ = false, abandoned_ = false;
  // The consumer's own: the chunk it reads.
  std::span<const uint8_t> current_;
  bool holds_ = false;
  // The witness's own.
  bool sees_ = false;
};

}  // namespace berth::sys
