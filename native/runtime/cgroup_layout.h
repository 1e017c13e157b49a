// Where this host keeps its cgroups, and where in them a container of a caller's belongs.
#pragma once

#include <map>
#include <string>

#include "launch/cgroup.h"

namespace berth::runtime {

struct CgroupLayout {
  std::string unified;                    // mount point of the v2 hierarchy; empty: none
  std::map<std::string, std::string> v1;  // mount point by controller
  std::string own_unified;                // this process's own path in each
  std::map<std::string, std::string> own_v1;

  bool unified_controls() const { return !unified.empty() && v1.empty(); }
  static CgroupLayout detect();
};

/// `cgroups_path` as `linux.cgroupsPath` has it (config-linux.md): absolute means from the mount point on; a relative one, and none (then `berth-runtime/ID`), lie
/// beside this process's own cgroup on v2, where a cgroup that has processes must have no children that are limited, and below it on v1. `limits` decides which of v1's
/// hierarchies are used.
launch::CgroupPlaces cgroup_places(const CgroupLayout& layout, const std::string& cgroups_path,
                                   const std::string& id, const launch::Limits& limits);

}  // namespace berth::runtime
