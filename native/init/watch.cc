#include "init/watch.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "sys/kernel.h"

namespace berth::init {

void watch(const Container& container, Control& control, Output& out, Output& err) {
  sigset_t forwarded;
  sigemptyset(&forwarded);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT}) sigaddset(&forwarded, number);
  const sys::Fd signals(signalfd(-1, &forwarded, SFD_CLOEXEC | SFD_NONBLOCK));
  Output* const outputs[2] = {&out, &err};
  bool ended = false;
  while (!ended || outputs[0]->open() || outputs[1]->open()) {
    pollfd fds[Control::kMostClients + 8];
    int count = 0;
    const int task = count;
    fds[count++] = {ended ? -1 : container.pidfd.get(), POLLIN, 0};
    fds[count++] = {signals.get(), POLLIN, 0};
    for (const Output* output : outputs) {
      fds[count++] = {output->pipe(), POLLIN, 0};
      fds[count++] = {output->client(), POLLOUT, 0};
    }
    const int first_control = count;
    control.poll_for(fds, count);
    // After the end only a client that is slow to read is waited for; a pipe that descendants hold open is not.
    const bool client_owes = outputs[0]->client() >= 0 || outputs[1]->client() >= 0;
    const int timeout = ended && !client_owes ? 0 : -1;
    if (sys::retry_interrupted([&] { return poll(fds, static_cast<nfds_t>(count), timeout); }) < 0)
      return;
    control.serve(fds + first_control, count - first_control);
    signalfd_siginfo info;
    if (fds[task + 1].revents != 0 && read(signals.get(), &info, sizeof info) == sizeof info) {
      sys::kernel::pidfd_send_signal(container.pidfd.get(), static_cast<int>(info.ssi_signo));
    }
    if (!control.leash_held()) {
      for (Output* output : outputs) output->detach_client();
    }
    if (fds[task].revents != 0) {
      ended = true;
      for (Output* output : outputs) output->end();
    }
    for (Output* output : outputs) output->move();
  }
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
