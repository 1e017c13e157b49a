// One layer, from its blob to one EROFS image, in one pass.
#pragma once

#include "sys/layer_unpack.h"

namespace berth::sys {

/// As `unpack_layer` with `request.image`, the new file: without it there is none after a failure. NO_IMAGE: it can only be a folder.
Result<UnpackResult> unpack_image(const UnpackRequest& request, Refusal& refusal);

}  // namespace berth::sys
