#include "sys/layer_blob.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "sys/defence.h"
#include "sys/sha256.h"
#include "sys/write_all.h"

namespace berth::sys {
namespace {

constexpr size_t kReadSize = 256 * 1024;
constexpr size_t kMagicSize = 6;

/// Whoever shares a pipe with this process may have made it non-blocking.
Result<size_t> read_blocking(int file, std::span<uint8_t> into) {
  for (;;) {
    const ssize_t length = retry_interrupted([&] { return read(file, into.data(), into.size()); });
    if (length >= 0) return static_cast<size_t>(length);
    if (errno != EAGAIN) return last_error("read");
    pollfd wait{file, POLLIN, 0};
    if (retry_interrupted([&] { return poll(&wait, 1, -1); }) < 0) return last_error("poll");
  }
}

Error mismatch(Refusal& refusal, const char* code, const char* what, const std::string& expected,
               const std::string& found) {
  return refusal.refuse(code,
                        std::string("its ") + what + " should be " + expected + " and is " + found);
}

class BlobStream {
 public:
  BlobStream(int blob, int copy, const BlobExpectation& expected, const BlobLimits& limits,
             BlobQueue& queue, Refusal& refusal, BlobFacts& facts)
      : blob_(blob),
        copy_(copy),
        expected_(expected),
        limits_(limits),
        queue_(queue),
        refusal_(refusal),
        facts_(facts),
        witnessed_(BlobQueue::has_witness(expected)) {}

  Result<void> run() {
    Result<void> witnessed;
    std::thread witness;
    if (witnessed_) witness = std::thread([&] { witnessed = hash_and_copy(); });
    const auto outcome = pass_on();
    queue_.close(!outcome);
    if (witness.joinable()) witness.join();
    if (!witnessed) return witnessed.error();
    if (!outcome) return outcome.error();
    if (expected_.size != BlobExpectation::kAnySize && facts_.size != expected_.size) {
      return mismatch(refusal_, "SIZE_MISMATCH", "size", std::to_string(expected_.size),
                      std::to_string(facts_.size));
    }
    if (!expected_.hashed) return {};
    const bool compressed = facts_.compression != Compression::kNone;
    facts_.diff_id = archive_hash_.hex();
    // Whoever writes one that grows sees all of it, and has it named only if it is what its digest states.
    if (!compressed || !expected_.growth) {
      facts_.digest = compressed ? blob_hash_.hex() : facts_.diff_id;
      BERTH_TRY(check("DIGEST_MISMATCH", "digest", expected_.digest, facts_.digest));
    }
    return check("DIFF_ID_MISMATCH", "diff id", expected_.diff_id, facts_.diff_id);
  }

 private:
  Result<void> check(const char* code, const char* what, const std::string& expected,
                     const std::string& found) {
    if (expected.empty() || expected == found || !holds("digests")) return {};
    return mismatch(refusal_, code, what, "sha256:" + expected, "sha256:" + found);
  }

  /// Reads once into `into`; 0 at the end. More than the size stated is refused before it is used.
  Result<size_t> read_some(std::span<uint8_t> into) {
    if (expected_.growth && !expected_.growth->wait_beyond(facts_.size))
      return Error{ECONNABORTED, "read"};
    BERTH_ASSIGN(const size_t length, read_blocking(blob_, into));
    const auto part = into.first(length);
    facts_.size += part.size();
    if (facts_.size > expected_.size) {
      return mismatch(refusal_, "SIZE_MISMATCH", "size", std::to_string(expected_.size), "more");
    }
    if (witnessed_) return part.size();
    if (expected_.hashed) archive_hash_.update(part);
    BERTH_TRY(write_copy(part));
    return part.size();
  }

  Result<void> hand_on(size_t length, size_t origin_length) {
    facts_.archive_bytes += length;
    const uint64_t produced = facts_.archive_bytes;
    if (produced > limits_.bytes) {
      return refusal_.refuse("LIMIT_EXCEEDED",
                             "it unpacks to more than " + std::to_string(limits_.bytes) + " bytes");
    }
    if (holds("bombs") && produced > limits_.ratio_grace &&
        produced / limits_.ratio > facts_.size) {
      return refusal_.refuse("LIMIT_EXCEEDED", "it unpacks to more than " +
                                                   std::to_string(limits_.ratio) +
                                                   " times its size, as a decompression bomb does");
    }
    queue_.push(length, origin_length);
    return {};
  }

  Result<std::span<uint8_t>> vacant() {
    const auto chunk = queue_.vacant();
    if (chunk.empty()) return Error{ECANCELED, "write"};
    return chunk;
  }

  Result<void> write_copy(std::span<const uint8_t> part) {
    if (copy_ < 0) return {};
    return write_all(copy_, reinterpret_cast<const char*>(part.data()), part.size());
  }

  /// Beside the inflating: the two cost about the same.
  Result<void> hash_and_copy() {
    while (const auto chunk = queue_.witness()) {
      if (expected_.growth) {
        archive_hash_.update(chunk->bytes);
      } else {
        Sha256::update_both(archive_hash_, chunk->bytes, blob_hash_, chunk->origin);
      }
      const bool compressed = facts_.compression != Compression::kNone;
      if (auto copied = write_copy(compressed ? chunk->origin : chunk->bytes); !copied) {
        queue_.abandon();
        return copied.error();
      }
    }
    return {};
  }

  /// The first bytes decide what is done with all: they say what the stream is, or whether it is what it should be.
  Result<void> pass_on() {
    BERTH_ASSIGN(const std::span<uint8_t> chunk, vacant());
    const std::span<uint8_t> origin = queue_.origin();
    size_t length = 0;
    while (length < kMagicSize) {
      BERTH_ASSIGN(const size_t part, read_some(origin.subspan(length)));
      if (part == 0) break;
      length += part;
    }
    const auto start = origin.first(length);
    const Compression found = detect_compression(start);
    facts_.compression = expected_.detect ? found : expected_.compression;
    if (facts_.compression != Compression::kNone) return inflate(chunk, start);
    // A tar archive begins with a name, which may be anything: only what no name begins with is sure.
    if (!expected_.detect && (found == Compression::kGzip || found == Compression::kZstd)) {
      return refusal_.refuse("BAD_TAR", std::string("it is ") + compression_name(found) +
                                            ", and its media type says that it is not");
    }
    std::copy(start.begin(), start.end(), chunk.begin());
    return pass_through(start.size());
  }

  /// `length` bytes of the first chunk are there.
  Result<void> pass_through(size_t length) {
    while (length > 0) {
      BERTH_TRY(hand_on(length, 0));
      BERTH_ASSIGN(const std::span<uint8_t> chunk, vacant());
      BERTH_ASSIGN(length, read_some(chunk));
    }
    return {};
  }

  /// Into `chunk` first, from what is beside it already. What is beside a chunk may be used up before the chunk is full.
  Result<void> inflate(std::span<uint8_t> chunk, std::span<const uint8_t> input) {
    const auto decompressor = make_decompressor(facts_.compression, refusal_);
    size_t origin_length = input.size();
    for (bool ended = false, drained = false;;) {
      size_t filled = 0;
      while (filled < chunk.size() && !drained) {
        if (input.empty() && !ended) {
          const auto room = queue_.origin().subspan(origin_length);
          if (room.empty()) break;
          BERTH_ASSIGN(const size_t length, read_some(room));
          input = room.first(length);
          origin_length += length;
          ended = length == 0;
        }
        BERTH_ASSIGN(const size_t written, decompressor->inflate(input, chunk.subspan(filled)));
        filled += written;
        // A decoder may hold back output that only lacked room.
        drained = ended && written == 0;
      }
      BERTH_TRY(hand_on(filled, origin_length));
      if (drained) return decompressor->finish();
      BERTH_ASSIGN(chunk, vacant());
      origin_length = 0;
    }
  }

  const int blob_, copy_;
  const BlobExpectation& expected_;
  const BlobLimits& limits_;
  BlobQueue& queue_;
  Refusal& refusal_;
  BlobFacts& facts_;
  const bool witnessed_;
  // The witness's own while there is one. What is not compressed is its own archive.
  Sha256 archive_hash_, blob_hash_;
};

}  // namespace

Result<void> stream_blob(int blob, int copy, const BlobExpectation& expected,
                         const BlobLimits& limits, BlobQueue& queue, Refusal& refusal,
                         BlobFacts& facts) {
  return BlobStream(blob, copy, expected, limits, queue, refusal, facts).run();
}

Result<void> verify_blob(int blob, const BlobExpectation& expected, Refusal& refusal) {
  Sha256 hash;
  std::vector<uint8_t> buffer(kReadSize);
  uint64_t at = 0;
  for (;;) {
    const ssize_t length = retry_interrupted(
        [&] { return pread(blob, buffer.data(), buffer.size(), static_cast<off_t>(at)); });
    if (length < 0) return last_error("pread");
    if (length == 0) break;
    hash.update(std::span<const uint8_t>(buffer).first(static_cast<size_t>(length)));
    at += static_cast<uint64_t>(length);
  }
  const std::string digest = hash.hex();
  if (digest == expected.digest) return {};
  return mismatch(refusal, "DIGEST_MISMATCH", "digest", "sha256:" + expected.digest,
                  "sha256:" + digest);
}

}  // namespace berth::sys
