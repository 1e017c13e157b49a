// The cgroups of one container: made with their limits before its first process exists, and changed while it runs.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "launch/failure.h"
#include "launch/limits.h"
#include "launch/setting.h"

namespace berth::launch {

/// Where a container's cgroups lie, decided by whoever knows the host's layout.
struct CgroupPlaces {
  using V1 = std::vector<std::pair<std::string, std::string>>;
  /// v2: the container's directory and its parent's other child, which supervisors live in. Empty: no unified hierarchy.
  std::string unified, supervisors;
  /// Do limits go to the unified hierarchy? On a hybrid host it has no controllers and only serves to group and kill.
  bool unified_controls = false;
  /// v1: controller name and the container's directory in its hierarchy. Several controllers may share a directory.
  V1 v1;
  /// The same for hierarchies that the container does not join at its start, and may join when its limits are changed.
  V1 later;
  /// What lies above the container's directories is there and hands its controllers down; the directories themselves may be there too.
  bool parents_ready = false;
};

/// Makes the directories (and their shared parents) and writes the limits. On failure nothing of this container's is left. LIMIT_UNENFORCEABLE: the host
/// cannot do what was asked for; LIMIT_REFUSED: it does not take the value.
std::variant<std::monostate, Failure> make_cgroups(const CgroupPlaces& places,
                                                   const Limits& limits);

/// Removes what make_cgroups made, for a container that was never started.
void remove_cgroups(const CgroupPlaces& places);

/// Brings a running container from one set of limits to another. After a failure the old ones are in force again, all of them.
std::variant<std::monostate, Failure> update_cgroups(const CgroupPlaces& places,
                                                     const Limits& before, const Limits& after);

/// Makes the container's directory in one v1 hierarchy, fit to be joined and to take its limits.
std::optional<Failure> make_v1(const std::string& controller, const std::string& path,
                               const Limits& limits, bool must_be_new);

}  // namespace berth::launch
