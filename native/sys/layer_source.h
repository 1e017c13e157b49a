// What a layer is read from, whatever it becomes: its blob, a copy of that on the way, and the layers below.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "sys/blob_job.h"
#include "sys/fd.h"
#include "sys/layer_unpack.h"

namespace berth::sys {

/// Opens the directories of the layers below, topmost first, once they are there. ECANCELED: they will not be.
Result<std::vector<std::shared_ptr<const Fd>>> open_lowers(const UnpackRequest& request);

/// Reads the blob once, verified and copied as the request has it, while `extract` takes what is in it. After a failure there is no copy.
Result<UnpackResult> read_layer(
    const UnpackRequest& request, Refusal& refusal,
    const std::function<Result<LayerCounts>(ByteSource&, Refusal&)>& extract);

}  // namespace berth::sys
