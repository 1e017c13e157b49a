// Reads an OCI runtime config.json into a launch plan.
#pragma once

#include <string>

#include "launch/json.h"
#include "launch/limits.h"
#include "launch/plan_store.h"

namespace berth::launch {

/// Fills what config.json decides. What it asks for and berth cannot do yet is a fault, never passed over: a container with less isolation than asked
/// for is worse than none.
void read_oci_config(const Json& config, PlanStore& store, Plan& plan, Limits& limits);

/// The bit mask of a list of capability names (`CAP_CHOWN`).
uint64_t read_capabilities(const Json& names);

}  // namespace berth::launch
