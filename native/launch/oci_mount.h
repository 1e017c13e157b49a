// The `mounts` of config.json: their options, and which of them only the container's first process can make.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "launch/json.h"
#include "launch/plan_store.h"

namespace berth::launch {

/// A relative source of a bind is relative to `bundle`; empty: it is refused.
std::vector<Mount> read_mounts(const Json& mounts, PlanStore& store,
                               const std::string& bundle = "");

/// MS_SHARED and the like for `shared`, `rshared`, …; 0: no word for that.
uint64_t propagation_of(std::string_view word);

}  // namespace berth::launch
