// A blob streamed on one thread while another makes something of its content.
#pragma once

#include <functional>

#include "sys/layer_blob.h"

namespace berth::sys {

using BlobConsumer = std::function<Result<void>(ByteSource& source, Refusal& refusal)>;

/// Streams `blob` (and into `copy`, unless -1) while `consume` takes its content on the calling thread. Whichever failed first is to
/// blame, and its refusal is given; where the content is to blame and the blob as a whole is not what its digest states, that is the refusal.
Result<void> consume_blob(int blob, int copy, const BlobExpectation& expected,
                          const BlobLimits& limits, const BlobConsumer& consume, Refusal& refusal,
                          BlobFacts& facts);

/// Takes what is left, so that it counts for the digests.
Result<void> drain(ByteSource& source);

}  // namespace berth::sys
