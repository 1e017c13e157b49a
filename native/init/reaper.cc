#include "init/reaper.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "sys/kernel.h"

namespace berth::init {
namespace {

struct Arguments {
  char* begin = nullptr;
  size_t size = 0;
};
Arguments shown;

void hide_arguments() {
  constexpr char kTitle[] = "berth-init";
  memset(shown.begin, 0, shown.size);
  if (shown.size >= sizeof kTitle) memcpy(shown.begin, kTitle, sizeof kTitle);
}

[[noreturn]] void reap(pid_t child, const sigset_t& all) {
  for (;;) {
    siginfo_t info;
    const int number = sigwaitinfo(&all, &info);
    if (number > 0 && number != SIGCHLD) (void)kill(child, number);
    for (;;) {
      int status = 0;
      const pid_t ended = waitpid(-1, &status, WNOHANG);
      if (ended <= 0) break;
      if (ended == child) _exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
    }
  }
}

}  // namespace

void remember_arguments(int count, char** arguments) {
  if (count < 1) return;
  const char* last = arguments[count - 1];
  shown = {arguments[0], static_cast<size_t>(last + strlen(last) - arguments[0])};
}

sys::Result<void> leave_reaper_behind() {
  // Blocked, a signal waits even for the first process of a pid namespace, which ignores those that it has no handler for (pid_namespaces(7)).
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);
  // In the host's pid namespace orphans come here only so.
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) return sys::last_error("prctl");
  const pid_t child = fork();
  if (child < 0) return sys::last_error("fork");
  if (child > 0) {
    hide_arguments();
    sys::kernel::close_range(0, ~0U, 0);
    reap(child, all);
  }
  // What a terminal sends is then sent to the program alone, and not a second time by the reaper.
  if (setpgid(0, 0) != 0) return sys::last_error("setpgid");
  if (tcsetpgrp(0, getpid()) != 0 && errno != ENOTTY) return sys::last_error("tcsetpgrp");
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return sys::last_error("prctl");
  sigprocmask(SIG_SETMASK, &before, nullptr);
  return {};
}

}  // namespace berth::init
