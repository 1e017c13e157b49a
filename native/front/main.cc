// The command `berth`: does without Node what a shell's user waits for most often, and becomes Node for all else (docs/architecture.md).
#include <cstdio>

#include "front/exit_status.h"
#include "front/node.h"

int main(int argc, char** argv) {
  using namespace berth::front;
  const std::string installation = installation_folder();
  if (installation.empty()) {
    fputs("berth: installation: its folder cannot be found\nMount a proc file system at /proc.\n",
          stderr);
    return kRefused;
  }
  return become_node(installation, {argv + 1, argv + argc});
}
