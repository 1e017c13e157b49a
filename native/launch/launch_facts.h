// launch.json: the facts of this host that config.json has no place for.
#pragma once

#include <string>
#include <vector>

#include "launch/cgroup.h"
#include "launch/json.h"
#include "launch/layer_images.h"
#include "launch/plan_store.h"

namespace berth::launch {

/// The `cgroup` member of launch.json.
CgroupPlaces read_cgroup_places(const Json& cgroup);

struct LaunchFacts {
  CgroupPlaces cgroups;
  std::string container_directory;  // durable: upper, work, logs
  std::string seccomp_directory;
  std::vector<LayerImage> images;
};

/// Fills the plan with what launch.json decides (docs/reference/launch-json.md).
LaunchFacts read_launch_facts(const Json& launch, PlanStore& store, Plan& plan);

}  // namespace berth::launch
