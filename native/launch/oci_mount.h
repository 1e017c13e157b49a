// The `mounts` of config.json: their options, and which of them only the container's first process can make.
#pragma once

#include <vector>

#include "launch/json.h"
#include "launch/plan_store.h"

namespace berth::launch {

std::vector<Mount> read_mounts(const Json& mounts, PlanStore& store);

}  // namespace berth::launch
