// What a recipe was made of, and whether that is still so (src/containerizer/container/recipe-conditions.ts).
#pragma once

#include <string>

#include "launch/json.h"

namespace berth::front {

/// Of the JavaScript of this installation; empty: it cannot be told.
std::string code_identity(const std::string& installation);

/// Anything that cannot be looked at is not as it was.
bool conditions_hold(const launch::Json& conditions);

}  // namespace berth::front
