// The first half of unpacking a layer: its blob read, hashed, inflated, hashed again and handed on.
#pragma once

#include <cstdint>
#include <string>

#include "sys/chunk_queue.h"
#include "sys/refusal.h"

namespace berth::sys {

struct BlobExpectation {
  bool gzip = false;
  uint64_t size = 0;    // of the blob, bytes
  std::string digest;   // SHA-256 of the blob, hexadecimal
  std::string diff_id;  // SHA-256 of the tar archive in it, hexadecimal
};

struct BlobLimits {
  uint64_t bytes = 0;        // of the archive
  uint64_t ratio = 0;        // archive bytes for one byte of blob
  uint64_t ratio_grace = 0;  // archive bytes from which the ratio counts
};

/// Reads the whole of `blob` into `queue`, which has a witness if the blob is gzip, and into `copy` where that is not -1. Refuses with
/// BAD_GZIP, SIZE_MISMATCH, DIGEST_MISMATCH, DIFF_ID_MISMATCH and LIMIT_EXCEEDED. Always closes the
/// queue. `archive_bytes` tells how much it was.
Result<void> stream_blob(int blob, int copy, const BlobExpectation& expected,
                         const BlobLimits& limits, ChunkQueue& queue, Refusal& refusal,
                         uint64_t& archive_bytes);

/// After a failure that the content caused: if the blob as a whole is not what its digest states,
/// that is the reason to give.
Result<void> verify_blob(int blob, const BlobExpectation& expected, Refusal& refusal);

}  // namespace berth::sys
