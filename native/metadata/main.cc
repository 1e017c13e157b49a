// berth-metadata: the first process of a pod. It holds the namespaces that the apps share, answers what they ask of the metadata service (ace.md), and ends when they
// have. Started by berth, with the pod on its standard input; not for people to run.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "metadata/neighbours.h"
#include "metadata/service.h"
#include "sys/write_all.h"

namespace berth::metadata {
namespace {

/// What the addon tells in words is told here by the log alone: nobody but who starts the pod hears it.
int fail(const sys::Error& error) {
  constexpr int kFailed = 125;
  const std::string line =
      "berth-metadata: " + std::string(error.call) + ": " + strerror(error.number) + '\n';
  (void)sys::write_all(2, line.data(), line.size());
  return kFailed;
}

int serve() {
  // The apps may have the same user: none of them is to read what is here, or change it (ptrace(2)).
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return fail(sys::last_error("prctl"));
  umask(0);  // what is made here is for the services of other pods, which have other users
  sigset_t all, heard;
  sigfillset(&all);
  sigemptyset(&heard);
  for (const int number : {SIGCHLD, SIGTERM, SIGINT}) sigaddset(&heard, number);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  const sys::Fd signals(signalfd(-1, &heard, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals) return fail(sys::last_error("signalfd"));

  auto pod = receive_pod(0);
  if (!pod) return fail(pod.error());
  Signer signer;
  if (auto made = signer.make_key(); !made) return fail(made.error());
  Service service(*pod, signer);
  auto port = service.listen_to_apps();
  if (!port) return fail(port.error());
  auto neighbours = listen_to_neighbours(pod->uuid);
  if (!neighbours) return fail(neighbours.error());
  service.listen_to_neighbours(std::move(*neighbours));
  const std::string ready = "ready " + std::to_string(*port) + '\n';
  if (auto told = sys::write_all(1, ready.data(), ready.size()); !told) return fail(told.error());
  const int status = service.run(0, signals.get());
  leave_neighbours(pod->uuid);
  return status;
}

}  // namespace
}  // namespace berth::metadata

int main() { return berth::metadata::serve(); }
