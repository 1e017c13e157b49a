#include "sys/blob_transcode.h"

#include "sys/blob_sink.h"

namespace berth::sys {

Result<BlobFacts> transcode_blob(int from, int to, const BlobExpectation& expected,
                                 std::optional<Compression> wanted, const BlobLimits& limits,
                                 Refusal& refusal) {
  BlobFacts read;
  if (!wanted) {
    const auto pass = [](ByteSource& source, Refusal&) { return drain(source); };
    BERTH_TRY(consume_blob(from, to, expected, limits, pass, refusal, read));
    return read;
  }
  BlobFacts made;
  const auto compress = [&](ByteSource& source, Refusal&) -> Result<void> {
    BlobSink sink(to, *wanted);
    for (;;) {
      BERTH_ASSIGN(const std::span<const uint8_t> bytes, source.take(BlobQueue::kChunk));
      if (bytes.empty()) break;
      BERTH_TRY(sink.write(bytes));
    }
    BERTH_ASSIGN(made, sink.finish());
    return {};
  };
  BERTH_TRY(consume_blob(from, -1, expected, limits, compress, refusal, read));
  return made;
}

}  // namespace berth::sys
