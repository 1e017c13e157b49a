// A container's cgroups from its runtime's side: their parents, who is in them, freezing, and their end.
#pragma once

#include <sys/types.h>

#include <vector>

#include "launch/cgroup.h"
#include "runtime/cgroup_layout.h"

namespace berth::runtime {

/// Makes what lies above the container's own directories, and on v2 hands down every controller that is there.
void make_parents(const CgroupLayout& layout, const launch::CgroupPlaces& places);

/// Every process of the container, those of cgroups that it made itself included.
std::vector<pid_t> members(const launch::CgroupPlaces& places);

/// Sends a signal to all of them; SIGKILL reaches those too that are frozen or being made.
void signal_all(const launch::CgroupPlaces& places, int signal);

bool is_frozen(const launch::CgroupPlaces& places);
void set_frozen(const launch::CgroupPlaces& places, bool frozen);

/// Removes the container's directories and those that it made in them; what still dies in them is waited for. The parents stay: they are the caller's.
void remove_tree(const launch::CgroupPlaces& places);

}  // namespace berth::runtime
