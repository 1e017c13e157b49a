#include "runtime/run.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "runtime/trouble.h"
#include "runtime/verbs.h"
#include "sys/kernel.h"

namespace berth::runtime {
namespace {

/// Waits for the first process, a child since its builder is gone, and passes on what is sent to this process meanwhile.
int follow_to_end(pid_t pid, const sigset_t& signals) {
  for (;;) {
    int status = 0;
    pid_t ended = 0;
    while ((ended = waitpid(-1, &status, WNOHANG)) > 0) {
      if (ended == pid) return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
    // ECHILD: not adopted yet, its builder is on its way out.
    siginfo_t info;
    const int number = sigwaitinfo(&signals, &info);
    if (number > 0 && number != SIGCHLD) ::kill(pid, number);
  }
}

sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH,
                           SIGCONT, SIGALRM, SIGPIPE, SIGURG, SIGIO})
    sigaddset(&signals, number);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

}  // namespace

int run(const RunRequest& request) {
  sigset_t signals = {};
  if (!request.detach) {
    signals = block_signals();
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) fail("run", sys::last_error("prctl"));
  }
  Created created = create(request.create);
  try {
    start(created.folder, created.record);
  } catch (const Trouble&) {
    created.lock.reset();
    remove(created.folder, true);
    throw;
  }
  created.lock.reset();
  if (request.detach) return 0;
  const int status = follow_to_end(created.record.pid, signals);
  if (!request.keep) remove(created.folder, true);
  return status;
}

}  // namespace berth::runtime
