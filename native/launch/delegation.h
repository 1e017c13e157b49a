// Handing the controllers of the v2 hierarchy down to a container's cgroup.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "launch/failure.h"
#include "launch/setting.h"

namespace berth::launch {

/// Switches on, for the children of `parent` and of the cgroup above it, every controller that berth limits or measures with and that is there
/// (cgroup-v2.rst, "Controlling Controllers"). One that a setting needs and that cannot be had is LIMIT_UNENFORCEABLE, told with its reason and its mend;
/// another is passed over: its figures are then unknown.
std::variant<std::monostate, Failure> pass_controllers_on(const std::string& parent,
                                                          const std::vector<Setting>& settings);

/// A limit that this host cannot enforce.
Failure unenforceable(const Setting& setting, const std::string& why, const std::string& hint = "");

}  // namespace berth::launch
