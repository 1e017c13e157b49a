// What a config.json that somebody else wrote may hold beyond what berth's own do, for a container that is handed over to its caller.
#pragma once

#include <string>

#include "launch/json.h"
#include "launch/plan_store.h"

namespace berth::launch {

/// Fills plan.handover and all else that read_oci_config() leaves to this: the root, the terminal, hooks, propagation, personality, clocks, the devices that every
/// container has. `bundle` is an absolute path.
void read_bundle(const Json& config, const std::string& bundle, PlanStore& store, Plan& plan);

/// The hooks of one moment, e.g. `hooks.poststop`.
std::vector<Hook> read_hooks(const Json& hooks, PlanStore& store);

}  // namespace berth::launch
