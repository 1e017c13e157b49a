#include "front/foreground.h"

#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

namespace berth::front {
namespace {

/// A terminal sends these to the whole foreground; a service manager sends them to this process. They are meant for the program.
constexpr int kForwarded[] = {SIGINT,  SIGTERM, SIGHUP,  SIGQUIT, SIGUSR1,
                              SIGUSR2, SIGTSTP, SIGCONT, SIGWINCH};

}  // namespace

bool Foreground::lacks_terminal() const {
  return terminal_ && input_ && !sys::terminal_size(STDIN_FILENO);
}

std::optional<sys::TerminalSize> Foreground::size() const {
  if (!terminal_) return {};
  auto size = sys::terminal_size(STDOUT_FILENO);
  if (!size) size = sys::terminal_size(STDIN_FILENO);
  if (!size || size->rows == 0 || size->columns == 0) return {};
  return *size;
}

void Foreground::begin() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : kForwarded) sigaddset(&set, number);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  signals_.reset(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  at_terminal_ =
      terminal_ && (sys::terminal_size(STDOUT_FILENO) || sys::terminal_size(STDIN_FILENO));
  if (!terminal_ || !input_) return;
  if (auto before = sys::make_raw(STDIN_FILENO)) before_ = *before;
}

void Foreground::end() {
  if (before_) (void)sys::restore_mode(STDIN_FILENO, *before_);
  before_.reset();
}

void Foreground::tell_size(Leash& leash) const {
  if (const auto now = size())
    leash.say("resize " + std::to_string(now->rows) + " " + std::to_string(now->columns));
}

bool Foreground::hung_up() const {
  return at_terminal_ && !sys::terminal_size(STDOUT_FILENO) && !sys::terminal_size(STDIN_FILENO);
}

bool Foreground::pass_on_signals(Leash& leash) {
  signalfd_siginfo info;
  bool left = false;
  while (read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    if (info.ssi_signo == SIGHUP && hung_up()) left = true;
    if (info.ssi_signo == SIGWINCH && terminal_) tell_size(leash);
    // As Docker has it: what others can attach to goes on without its terminal.
    else if (!left || !others_)
      leash.say("signal " + std::to_string(info.ssi_signo));
  }
  return left;
}

Outcome Foreground::follow(Leash& leash) {
  tell_size(leash);
  Outcome outcome;
  outcome.kind = Outcome::kLost;
  for (;;) {
    while (const auto line = leash.pending()) {
      if (auto exit = after(*line, "exited")) {
        outcome.kind = Outcome::kExited;
        outcome.told = std::move(*exit);
      } else if (auto lost = after(*line, "undelivered")) {
        if (outcome.undelivered.empty()) outcome.undelivered = std::move(*lost);
      } else if (after(*line, "detached")) {
        outcome.kind = Outcome::kDetached;
        end();
        return outcome;
      }
    }
    pollfd fds[] = {{leash.get(), POLLIN, 0}, {signals_.get(), POLLIN, 0}};
    if (poll(fds, 2, -1) < 0) continue;
    if (fds[1].revents != 0 && pass_on_signals(leash)) {
      outcome.kind = Outcome::kHungUp;
      return outcome;
    }
    if (fds[0].revents != 0 && !leash.fill()) break;
  }
  end();
  return outcome;
}

Outcome await_start(Leash& leash) {
  while (auto line = leash.next()) {
    if (auto pid = after(*line, "running")) return {Outcome::kRuns, *pid, ""};
    if (auto failure = after(*line, "failed")) return {Outcome::kFailed, *failure, ""};
  }
  return {Outcome::kSilent, "", ""};
}

void reap(pid_t supervisor) {
  // __WALL: a supervisor is cloned with no exit signal, so a plain wait does not see it (wait(2)).
  sys::retry_interrupted([&] { return waitpid(supervisor, nullptr, __WALL); });
}

void settle_process() {
  for (int number = 0; number <= STDERR_FILENO; ++number) {
    if (fcntl(number, F_GETFD) < 0 && open("/dev/null", O_RDWR) != number) _exit(1);
  }
  for (int number = 1; number < SIGRTMAX; ++number) {
    const bool ignored = number == SIGPIPE || number == SIGXFSZ;
    if (number != SIGKILL && number != SIGSTOP) signal(number, ignored ? SIG_IGN : SIG_DFL);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  rlimit files = {};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur != files.rlim_max) {
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
  }
}

}  // namespace berth::front
