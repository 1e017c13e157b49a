#include "init/pause.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace berth::init {

void hold_namespaces() {
  sigset_t all;
  sigfillset(&all);
  // Blocked, a signal waits even for the first process of a pid namespace, which ignores those that it has no handler for (pid_namespaces(7)).
  sigprocmask(SIG_SETMASK, &all, nullptr);
  for (;;) {
    const int number = sigwaitinfo(&all, nullptr);
    if (number == SIGTERM || number == SIGINT) _exit(0);
    while (waitpid(-1, nullptr, WNOHANG) > 0) {
    }
  }
}

}  // namespace berth::init
