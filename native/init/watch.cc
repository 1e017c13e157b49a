#include "init/watch.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "sys/kernel.h"

namespace berth::init {

void watch(const Container& container, Control& control, Carrier& carrier) {
  sigset_t forwarded;
  sigemptyset(&forwarded);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT}) sigaddset(&forwarded, number);
  const sys::Fd signals(signalfd(-1, &forwarded, SFD_CLOEXEC | SFD_NONBLOCK));
  bool ended = false, host_ended = !container.host;
  while (!ended || carrier.busy()) {
    pollfd fds[Control::kMostClients + 1 + Carrier::kMostPolled + 3];
    int count = 0;
    fds[count++] = {ended ? -1 : container.pidfd.get(), POLLIN, 0};
    fds[count++] = {signals.get(), POLLIN, 0};
    fds[count++] = {host_ended ? -1 : container.host.get(), POLLIN, 0};
    carrier.poll_for(fds, count);
    const int first_control = count;
    control.poll_for(fds, count);
    const int timeout = carrier.timeout();
    if (sys::retry_interrupted([&] { return poll(fds, static_cast<nfds_t>(count), timeout); }) < 0)
      return;
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
