// Reads an OCI runtime config.json into a launch plan.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "launch/json.h"
#include "launch/limits.h"
#include "launch/plan_store.h"

namespace berth::launch {

/// Fills what config.json decides. What it asks for and berth cannot do yet is a fault, never passed over: a container with less isolation than asked
/// for is worse than none.
/// `bundle` is the folder of a config.json that a caller of berth-runtime wrote; what only such a one may ask for is read by oci_bundle.h. Null: berth's own.
void read_oci_config(const Json& config, PlanStore& store, Plan& plan, Limits& limits,
                     const std::string* bundle = nullptr);

/// All capabilities that berth knows, without their `CAP_`, in the kernel's order.
std::vector<std::string_view> capability_names();

/// The bit mask of a list of capability names (`CAP_CHOWN`).
uint64_t read_capabilities(const Json& names);

}  // namespace berth::launch
