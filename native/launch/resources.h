// Reads `linux.resources` of config.json (OCI runtime specification, config-linux.md, control groups).
#pragma once

#include "launch/json.h"
#include "launch/limits.h"

namespace berth::launch {

/// What berth does not know or Linux no longer has is a fault, never passed over.
Limits read_resources(const Json& resources);

}  // namespace berth::launch
