// A blob made from another: verified, and kept as it is or compressed anew.
#pragma once

#include <optional>

#include "sys/blob_job.h"

namespace berth::sys {

/// Copies `from` (a file or a pipe) to `to`. With `wanted` the archive in it is written in that compression, else the bytes
/// stay as they are. Tells what `to` is then. Fails as `stream_blob` does.
Result<BlobFacts> transcode_blob(int from, int to, const BlobExpectation& expected,
                                 std::optional<Compression> wanted, const BlobLimits& limits,
                                 Refusal& refusal);

}  // namespace berth::sys
