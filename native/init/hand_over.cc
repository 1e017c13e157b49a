#include "init/hand_over.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>

#include "init/birth.h"
#include "init/caller.h"
#include "init/namespaces.h"
#include "init/root_tree.h"
#include "init/watch.h"
#include "launch/handover.h"
#include "sys/kernel.h"
#include "sys/text.h"
#include "sys/write_all.h"

namespace berth::init {
namespace {

using launch::HandoverReport;
using launch::Plan;
using sys::Fd;
using sys::Result;

/// The container's state as the caller tells it, on its way to the first process. Touched only where there are hooks.
char state_text[launch::kMostState];

/// The caller knows already what went wrong.
constexpr sys::Error kTold = {0, ""};

Result<void> check(int outcome, const char* call) {
  if (outcome != 0) return sys::last_error(call);
  return {};
}

/// Where `start` will find the first process. In the container's volatile folder, which is its owner's alone.
Result<Fd> listen_for_start(const Plan& plan, Progress& progress) {
  progress.at("state", plan.state_directory);
  BERTH_ASSIGN(const Fd folder,
               sys::adopt(open(plan.state_directory, O_PATH | O_DIRECTORY | O_CLOEXEC), "open"));
  BERTH_ASSIGN(Fd listener, sys::adopt(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  // By way of the descriptor: the path may be longer than a socket address holds (unix(7): 108 bytes).
  sys::copy_text(address.sun_path,
                 sys::Text<64>("/proc/self/fd/", folder.get(), '/', launch::kStartSocket).c_str());
  umask(0177);
  const int bound = bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
  umask(0);
  BERTH_TRY(check(bound, "bind"));
  constexpr int kBacklog = 16;
  BERTH_TRY(check(::listen(listener.get(), kBacklog), "listen"));
  return listener;
}

Result<void> build(const Plan& plan, Container& container, Progress& progress) {
  progress.at("session");
  BERTH_TRY(check(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0), "prctl"));
  umask(0);
  BERTH_TRY(check(chdir("/"), "chdir"));
  share_pipes(plan);
  BERTH_ASSIGN(const Fd start, listen_for_start(plan, progress));
  SharedSources shared;
  BERTH_TRY(shared.take(plan, progress));
  BERTH_TRY(join_namespaces(plan, progress));
  BERTH_TRY(make_stage(plan, progress));
  BERTH_TRY(make_time_namespace(plan, progress));
  BERTH_ASSIGN(container, begin(plan, progress, {start.get(), launch::kConsoleFd}));
  BERTH_ASSIGN(const Fd userns, map_ids(plan, container, progress));
  BERTH_TRY(build_root_tree(plan, userns ? userns.get() : -1, shared, progress));
  progress.at("tree");
  // Its end of the pipe is closed if it has failed already; what it reports is what counts then.
  if (write(container.go.get(), "g", 1) != 1 && errno != EPIPE) return sys::last_error("write");
  return {};
}

/// The caller's answer; EPIPE: it is gone.
Result<uint32_t> hear() {
  const ssize_t length = sys::retry_interrupted(
      [&] { return recv(launch::kLeashFd, state_text, sizeof state_text, 0); });
  if (length < 0) return sys::last_error("recv");
  if (length == 0) return sys::Error{EPIPE, "recv"};
  return static_cast<uint32_t>(length);
}

/// Passes on what the first process says, and the caller's answers.
Result<void> accompany(const Plan& plan, const Container& container, Progress& progress) {
  for (;;) {
    progress.at("start");
    char word = 0;
    const ssize_t length =
        sys::retry_interrupted([&] { return read(container.report.get(), &word, 1); });
    if (length != 1) return sys::Error{ECHILD, "waitpid"};
    HandoverReport report;
    report.word = word;
    report.pid = container.host_pid;
    if (word == HandoverReport::kAtHooks) {
      BERTH_TRY(tell(report));
      BERTH_ASSIGN(const uint32_t size, hear());
      BERTH_TRY(
          sys::write_all(container.go.get(), reinterpret_cast<const char*>(&size), sizeof size));
      BERTH_TRY(sys::write_all(container.go.get(), state_text, size));
    } else if (word == HandoverReport::kCreated) {
      BERTH_TRY(limit_from_outside(plan, container.host_pid, progress));
      BERTH_TRY(tell(report));
      BERTH_ASSIGN(const uint32_t heard, hear());
      if (heard != 1 || state_text[0] != launch::kRecorded) return sys::Error{EPROTO, "recv"};
      return sys::write_all(container.go.get(), &launch::kRecorded, 1);
    } else {
      const ssize_t size = read(container.report.get(), &report.failure, sizeof report.failure);
      if (size != sizeof report.failure) return sys::Error{ECHILD, "waitpid"};
      (void)tell(report);
      return kTold;
    }
  }
}

}  // namespace

int hand_over(const Plan& plan) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  Progress progress;
  Container container;
  auto outcome = build(plan, container, progress);
  if (outcome) outcome = accompany(plan, container, progress);
  if (outcome) return 0;
  if (container.pid > 0) {
    sys::kernel::pidfd_send_signal(container.pidfd.get(), SIGKILL);
    collect(container);
  }
  if (outcome.error().number != kTold.number) {
    HandoverReport report;
    report.failure = describe(progress, outcome.error());
    (void)tell(report);
  }
  return 1;
}

}  // namespace berth::init
