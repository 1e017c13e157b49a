// The cgroups of one container: made with their limits before its first process exists.
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "launch/failure.h"
#include "launch/limits.h"

namespace berth::launch {

/// Where a container's cgroups lie, decided by whoever knows the host's layout.
struct CgroupPlaces {
  /// v2: the container's directory and its parent's other child, which supervisors live in. Empty: no unified hierarchy.
  std::string unified, supervisors;
  /// Do limits go to the unified hierarchy? On a hybrid host it has no controllers and only serves to group and kill.
  bool unified_controls = false;
  /// v1: controller name and the container's directory in its hierarchy. Several controllers may share a directory.
  std::vector<std::pair<std::string, std::string>> v1;
  /// What lies above the container's directories is there and hands its controllers down; the directories themselves may be there too.
  bool parents_ready = false;
};

/// One line to write into one cgroup file.
struct Setting {
  std::string controller;
  std::string file;
  std::string value;
  std::string meaning;  // the limit in a user's words
};

/// What the limits come to in the files of each layout (cgroup-v1/*.rst, cgroup-v2.rst). Pure.
std::vector<Setting> v1_settings(const Limits& limits);
std::vector<Setting> v2_settings(const Limits& limits);

/// Makes the directories (and their shared parents) and writes the limits. On failure nothing of this container's is left. LIMIT_UNENFORCEABLE: the host
/// has no controller for a limit that was asked for.
std::variant<std::monostate, Failure> make_cgroups(const CgroupPlaces& places,
                                                   const Limits& limits);

/// Removes what make_cgroups made, for a container that was never started.
void remove_cgroups(const CgroupPlaces& places);

}  // namespace berth::launch
