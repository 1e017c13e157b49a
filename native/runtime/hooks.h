// Hooks that run in the runtime's own namespaces (config.md, POSIX-platform hooks).
#pragma once

#include <string>

#include "launch/json.h"

namespace berth::runtime {

/// Runs all hooks of `hooks.MOMENT` in their order, each with `state` on its stdin. Throws Trouble at the first that fails; with `lenient` it is only told, and the
/// others get their turn.
void run_hooks(const launch::Json& config, const char* moment, const std::string& state,
               bool lenient);

/// The same from a config.json that was kept.
void run_kept_hooks(const std::string& config, const char* moment, const std::string& state,
                    bool lenient);

}  // namespace berth::runtime
