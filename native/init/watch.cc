#include "init/watch.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>

#include "sys/kernel.h"

namespace berth::init {
namespace {

/// Of two times to wait at most; -1: for ever.
int sooner(int one, int other) {
  if (one < 0 || other < 0) return one < 0 ? other : one;
  return one < other ? one : other;
}

int64_t milliseconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1000000;
}

}  // namespace

void watch(const Container& container, Control& control, Carrier& carrier, OomWatch* oom,
           const OnceItStays* later) {
  const int64_t due = milliseconds() + OnceItStays::kMoment;
  sigset_t forwarded;
  sigemptyset(&forwarded);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT}) sigaddset(&forwarded, number);
  const sys::Fd signals(signalfd(-1, &forwarded, SFD_CLOEXEC | SFD_NONBLOCK));
  bool ended = false, host_ended = !container.host;
  while (!ended || carrier.busy()) {
    pollfd fds[Control::kMostClients + 1 + Carrier::kMostPolled + OomWatch::kPolled + 3];
    int count = 0;
    fds[count++] = {ended ? -1 : container.pidfd.get(), POLLIN, 0};
    fds[count++] = {signals.get(), POLLIN, 0};
    fds[count++] = {host_ended ? -1 : container.host.get(), POLLIN, 0};
    carrier.poll_for(fds, count);
    if (oom != nullptr) oom->poll_for(fds, count);
    const int first_control = count;
    control.poll_for(fds, count);
    int timeout = sooner(carrier.timeout(), oom == nullptr ? -1 : oom->timeout());
    if (later != nullptr) {
      const int64_t left = due - milliseconds();
      timeout = sooner(timeout, left > 0 ? static_cast<int>(left) : 0);
    }
    if (sys::retry_interrupted([&] { return poll(fds, static_cast<nfds_t>(count), timeout); }) < 0)
      return;
    if (oom != nullptr) oom->serve(fds);
    control.serve(fds + first_control, count - first_control);
    signalfd_siginfo info;
    if (fds[1].revents != 0 && read(signals.get(), &info, sizeof info) == sizeof info)
      sys::kernel::pidfd_send_signal(container.pidfd.get(), static_cast<int>(info.ssi_signo));
    // What shares no pid namespace with its container's first process ends with it all the same.
    if (fds[2].revents != 0) {
      host_ended = true;
      sys::kernel::pidfd_send_signal(container.pidfd.get(), SIGKILL);
    }
    if (fds[0].revents != 0) {
      ended = true;
      carrier.end();
    }
    carrier.serve(fds);
    if (later != nullptr && (ended || milliseconds() >= due)) {
      if (!ended) later->act(later->self);
      later = nullptr;
    }
  }
  carrier.tell_missed();
}

ExitStatus collect(const Container& container) {
  int status = 0;
  sys::retry_interrupted([&] { return waitpid(container.pid, &status, 0); });
  ExitStatus exit;
  exit.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  exit.status = WIFSIGNALED(status) ? 128 + exit.signal : WEXITSTATUS(status);
  return exit;
}

}  // namespace berth::init
