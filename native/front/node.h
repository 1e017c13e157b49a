// The other half of berth: its JavaScript, which does all that the front does not.
#pragma once

#include <string>
#include <vector>

namespace berth::front {

/// The folder berth is installed in: this program lies in its build/Release. Empty: it cannot be told.
std::string installation_folder();

/// Becomes Node with berth's command line; nothing of this process stays. Returns the status to end with where there is no Node, which was told.
int become_node(const std::string& installation, const std::vector<std::string>& words);

}  // namespace berth::front
