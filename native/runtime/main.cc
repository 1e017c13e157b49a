// berth-runtime: the command line that podman, containerd and others drive OCI runtimes with (docs/reference/runtime.md).
#include <unistd.h>

#include <cstdio>

#include "runtime/commands.h"
#include "runtime/log.h"
#include "runtime/trouble.h"

int main(int argc, char** argv) {
  using namespace berth::runtime;
  try {
    return run_command({argv + 1, argv + argc});
  } catch (const std::exception& trouble) {
    // Trouble, or the standard library's own: out of memory, for one.
    log_error(trouble.what());
    return 1;
  }
}
