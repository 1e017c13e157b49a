// What the verbs of the front have in common.
#pragma once

#include <optional>
#include <string>

#include "front/words.h"

namespace berth::front {

/// One command line of berth, from the verb on.
struct Command {
  std::string installation;
  Words words;

  std::string supervisor() const { return installation + "/build/Release/berth-init"; }
};

/// The status to end with. Nothing: this one is for the JavaScript, and nothing was done.
using Status = std::optional<int>;

Status exec_verb(const Command& command);
Status run_verb(const Command& command);

/// Has the JavaScript tell the user how it went, in the words that it has for that (src/cli/finish.ts); `json`: what it is to know. Comes back only
/// with the status of having failed even at that.
int finish_in_node(const Command& command, const std::string& json);

/// Writes to stdout in full. False: it does not take it, and was not left half-way. A reader that has gone ends the process.
bool write_out(const std::string& text);

}  // namespace berth::front
