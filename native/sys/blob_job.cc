#include "sys/blob_job.h"

#include <optional>
#include <thread>

namespace berth::sys {
namespace {

/// Content that is to blame only if the blob is what it should be.
bool content_is_to_blame(const Refusal& refusal) {
  return refusal && (refusal.code() == "BAD_COMPRESSION" || refusal.code() == "BAD_TAR");
}

}  // namespace

Result<void> consume_blob(int blob, int copy, const BlobExpectation& expected,
                          const BlobLimits& limits, const BlobConsumer& consume, Refusal& refusal,
                          BlobFacts& facts) {
  BlobQueue queue(expected);
  Refusal blob_refusal;
  std::optional<Error> blob_error;
  std::thread reader([&] {
    auto outcome = stream_blob(blob, copy, expected, limits, queue, blob_refusal, facts);
    if (!outcome) blob_error = outcome.error();
  });
  auto consumed = consume(queue, refusal);
  queue.abandon();
  reader.join();

  // Whoever failed first is to blame: the reader's ECANCELED and the consumer's are only each
  // other's echo.
  const bool reader_failed = blob_error && blob_error->number != ECANCELED;
  std::optional<Error> failed;
  if (reader_failed && (consumed || consumed.error().number == ECANCELED)) {
    refusal = blob_refusal;
    failed = blob_error;
  } else if (!consumed) {
    failed = consumed.error();
  }
  if (!failed) return {};
  if (!expected.digest.empty() && content_is_to_blame(refusal)) {
    if (expected.growth && !expected.growth->wait_for_end()) {
      refusal = {};
      return Error{ECONNABORTED, "read"};
    }
    Refusal digest;
    if (auto verified = verify_blob(blob, expected, digest); !verified && digest) refusal = digest;
  }
  return *failed;
}

Result<void> drain(ByteSource& source) {
  for (;;) {
    BERTH_ASSIGN(const std::span<const uint8_t> rest, source.take(BlobQueue::kChunk));
    if (rest.empty()) return {};
  }
}

}  // namespace berth::sys
