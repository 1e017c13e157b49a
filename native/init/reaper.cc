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

/// As a shell has it: 128 + N for signal N.
int end_of(pid_t child, const sigset_t& all) {
  for (;;) {
    siginfo_t info;
    const int number = sigwaitinfo(&all, &info);
    if (number > 0 && number != SIGCHLD) (void)kill(child, number);
    for (;;) {
      int status = 0;
      const pid_t ended = waitpid(-1, &status, WNOHANG);
      if (ended <= 0) break;
      if (ended == child) return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
  }
}

/// What a terminal sends is then sent to the program alone, and not a second time by the reaper.
sys::Result<void> settle_child(const sigset_t& before) {
  if (setpgid(0, 0) != 0) return sys::last_error("setpgid");
  if (tcsetpgrp(0, getpid()) != 0 && errno != ENOTTY) return sys::last_error("tcsetpgrp");
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return sys::last_error("prctl");
  sigprocmask(SIG_SETMASK, &before, nullptr);
  return {};
}

constexpr int kFailed = 125;  // what ends with berth's own failure (docs/reference/errors.md)

int run_turn(const Companions& companions, Turn turn, const sigset_t& all, const sigset_t& before) {
  const pid_t child = fork();
  if (child < 0) return kFailed;
  if (child > 0) return end_of(child, all);
  if (settle_child(before)) companions.become(companions.context, turn);
  _exit(kFailed);
}

[[noreturn]] void reap(pid_t child, const Companions& companions, const sigset_t& all,
                       const sigset_t& before) {
  int status = end_of(child, all);
  if (companions.before) {
    if (status != 0) _exit(status);
    status = run_turn(companions, Turn::kProgram, all, before);
  }
  if (companions.after) (void)run_turn(companions, Turn::kAfter, all, before);
  _exit(status);
}

}  // namespace

void remember_arguments(int count, char** arguments) {
  if (count < 1) return;
  const char* last = arguments[count - 1];
  shown = {arguments[0], static_cast<size_t>(last + strlen(last) - arguments[0])};
}

sys::Result<void> leave_reaper_behind(const Companions& companions) {
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
    sys::kernel::close_range(companions.before || companions.after ? 3 : 0, ~0U, 0);
    reap(child, companions, all, before);
  }
  return settle_child(before);
}

}  // namespace berth::init
