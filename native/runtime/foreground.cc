#include "runtime/foreground.h"

#include <sys/prctl.h>
#include <sys/wait.h>

#include "runtime/trouble.h"

namespace berth::runtime {

Foreground::Foreground() {
  sigemptyset(&signals_);
  for (const int number : {SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH,
                           SIGCONT, SIGALRM, SIGPIPE, SIGURG, SIGIO})
    sigaddset(&signals_, number);
  sigprocmask(SIG_BLOCK, &signals_, nullptr);
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) fail("foreground", sys::last_error("prctl"));
}

int Foreground::follow(pid_t pid) const {
  for (;;) {
    int status = 0;
    pid_t ended = 0;
    while ((ended = waitpid(-1, &status, WNOHANG)) > 0) {
      if (ended == pid) return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
    // ECHILD: not adopted yet, its builder is on its way out.
    siginfo_t info;
    const int number = sigwaitinfo(&signals_, &info);
    if (number > 0 && number != SIGCHLD) ::kill(pid, number);
  }
}

}  // namespace berth::runtime
