// The first half of unpacking a layer: its blob read, hashed, decompressed, hashed again and handed on.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>

#include "sys/blob_growth.h"
#include "sys/chunk_queue.h"
#include "sys/decompressor.h"
#include "sys/refusal.h"

namespace berth::sys {

/// What is known of a blob beforehand. Texts that are empty are not known, and so not checked.
struct BlobExpectation {
  static constexpr uint64_t kAnySize = std::numeric_limits<uint64_t>::max();

  /// `detect`: the first bytes tell, and `compression` is not looked at.
  bool detect = false;
  Compression compression = Compression::kNone;
  uint64_t size = kAnySize;  // of the blob, bytes
  std::string digest;        // SHA-256 of the blob, hexadecimal
  std::string diff_id;       // SHA-256 of the tar archive in it, hexadecimal
  /// False: nothing is hashed, as nobody asks for it.
  bool hashed = true;
  /// The blob is still being written, from its start on, by somebody who checks its digest at the end. Null: all of it is there.
  std::shared_ptr<BlobGrowth> growth;
};

/// What a blob turned out to be.
struct BlobFacts {
  Compression compression = Compression::kNone;
  uint64_t size = 0, archive_bytes = 0;
  std::string digest,
      diff_id;  // hexadecimal; empty when not hashed, the digest also of a compressed blob that grew
};

struct BlobLimits {
  uint64_t bytes = 0;        // of the archive
  uint64_t ratio = 0;        // archive bytes for one byte of blob
  uint64_t ratio_grace = 0;  // archive bytes from which the ratio counts
};

/// A queue that `stream_blob` can fill: large enough that a hand-over costs nothing, small enough that a chunk is still in a cache when
/// it is used.
class BlobQueue : public ChunkQueue {
 public:
  static constexpr size_t kChunk = 512 * 1024, kOrigin = 256 * 1024, kChunks = 12;
  explicit BlobQueue(const BlobExpectation& expected)
      : ChunkQueue(kChunk, kOrigin, kChunks, has_witness(expected)) {}

  static bool has_witness(const BlobExpectation& expected) {
    return expected.hashed && (expected.detect || expected.compression != Compression::kNone);
  }
};

/// Reads the whole of `blob` into `queue`, and into `copy` where that is not -1. Refuses with
/// BAD_COMPRESSION, SIZE_MISMATCH, DIGEST_MISMATCH, DIFF_ID_MISMATCH and LIMIT_EXCEEDED; ECONNABORTED: who writes the blob
/// gave up. Always closes the queue.
Result<void> stream_blob(int blob, int copy, const BlobExpectation& expected,
                         const BlobLimits& limits, BlobQueue& queue, Refusal& refusal,
                         BlobFacts& facts);

/// After a failure that the content caused: if the blob as a whole is not what its digest states,
/// that is the reason to give.
Result<void> verify_blob(int blob, const BlobExpectation& expected, Refusal& refusal);

}  // namespace berth::sys
