// How a program that is sent into a container differs from its first.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "launch/plan_store.h"

namespace berth::launch {

struct ProcessChange {
  std::vector<std::string> args;
  std::vector<std::string> env;  // NAME=VALUE, on top of the container's own
  std::optional<std::string> user;
  std::optional<std::string> cwd;  // absolute
  bool terminal = false;
  uint32_t rows = 0, columns = 0;  // of the terminal; 0: not known
  bool input = false;
  std::string detach_keys;  // two hexadecimal digits each
};

/// Each variable once, where it came first, with its last value. What is no NAME=VALUE is left out.
std::vector<std::string> merge_variables(const std::vector<std::string>& entries);

/// Makes the plan that of the other program. What is not said stays as it is for the first one.
void change_process(const ProcessChange& change, PlanStore& store, Plan& plan);

}  // namespace berth::launch
