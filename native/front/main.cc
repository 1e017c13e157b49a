// The command `berth`: does without Node what a shell's user waits for most often, and becomes Node for all else (docs/architecture.md).
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "front/exit_status.h"
#include "front/node.h"
#include "front/verb.h"

namespace berth::front {
namespace {

/// BERTH_FRONT=off: Node for everything, for tests and whoever doubts the front.
bool is_off() {
  const char* const wanted = getenv("BERTH_FRONT");
  return wanted != nullptr && strcmp(wanted, "off") == 0;
}

Status without_node(const Command& command) {
  if (command.words.empty() || is_off() || geteuid() != 0 || getuid() != 0) return {};
  if (!all_utf8(command.words)) return {};
  if (command.words[0] == "exec") return exec_verb(command);
  if (command.words[0] == "run") return run_verb(command);
  return {};
}

}  // namespace
}  // namespace berth::front

int main(int argc, char** argv) {
  using namespace berth::front;
  const Command command = {installation_folder(), {argv + 1, argv + argc}};
  if (command.installation.empty()) {
    fputs("berth: installation: its folder cannot be found\nMount a proc file system at /proc.\n",
          stderr);
    return kRefused;
  }
  const Status status = without_node(command);
  return status ? *status : become_node(command.installation, command.words);
}
