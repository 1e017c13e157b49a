// The verbs of berth-runtime, by name.
#pragma once

#include <string>
#include <vector>

namespace berth::runtime {

/// Does what the words after the program's name say. Gives the status to exit with; throws Trouble.
int run_command(const std::vector<std::string>& words);

}  // namespace berth::runtime
