// Where an installation keeps what it keeps (src/state/roots.ts).
#pragma once

#include <optional>
#include <string>

#include "front/words.h"

namespace berth::front {

struct Roots {
  std::string root;   // durable
  std::string state;  // volatile
};

/// The flags that say where, for the tables of verbs.
constexpr Flag kRootFlag = {"root", 0, true};
constexpr Flag kStateFlag = {"state", 0, true};

/// From the flags, the environment, the defaults. Nothing: a path is not as plain as it gets, and is left to the JavaScript.
std::optional<Roots> plain_roots(const FlagWords& flags);

/// Absolute, and no part of it is empty, `.` or `..`.
bool is_plain_path(const std::string& path);

}  // namespace berth::front
