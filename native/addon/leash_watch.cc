#include "addon/leash_watch.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>

#include "sys/parked_threads.h"
#include "sys/pass_descriptors.h"

namespace berth::addon {
namespace {

/// Moves the next whole line out of `bytes`.
bool take_line(std::string& bytes, std::string& line) {
  const size_t end = bytes.find('\n');
  if (end == std::string::npos) return false;
  line = bytes.substr(0, end);
  bytes.erase(0, end + 1);
  return true;
}

/// False: the other side has closed it. ECONNRESET is how the kernel ends a connection whose other side went away before it had read everything.
bool receive_more(int socket, pid_t supervisor, std::string& bytes) {
  char part[4096];
  // The only descriptors that a supervisor sends: its container's overlay, and the claim on its ids.
  sys::Fd left[2];
  const ssize_t length = sys::receive_with_descriptors(socket, part, sizeof part, left, 2);
  if (length <= 0) return false;
  if (auto* spares = spare_overlays(); spares != nullptr && left[0])
    spares->keep(supervisor, std::move(left[0]), std::move(left[1]));
  bytes.append(part, static_cast<size_t>(length));
  return true;
}

/// __WALL: a supervisor is cloned with no exit signal, so a plain wait does not see it (wait(2)).
void await_supervisor(pid_t supervisor) {
  sys::retry_interrupted([&] { return waitpid(supervisor, nullptr, __WALL); });
}

/// The same of one whose program never ran.
void bury(pid_t supervisor) {
  await_supervisor(supervisor);
  if (auto* spares = spare_overlays()) spares->forget(supervisor);
}

/// Not by the function's own `Call`: while JavaScript ends nothing can be called any more, and that would be fatal. What it throws is thrown where it was posted.
void tell(Napi::Env env, const Napi::FunctionReference& heard, napi_value word) {
  napi_value ignored = nullptr;
  (void)napi_call_function(env, env.Undefined(), heard.Value(), 1, &word, &ignored);
}

uint64_t monotonic_now() {
  constexpr uint64_t kBillion = 1000000000;
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * kBillion + static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace

launch::SpareOverlays* spare_overlays() {
  using launch::SpareOverlays;
  static auto* const only = []() -> SpareOverlays* {
    const char* const seconds = getenv("BERTH_SPARE");
    if (seconds == nullptr) return new SpareOverlays;
    // What is no number is none. More than a day no clock here has to count.
    constexpr long long kLongest = 86400;
    const long long life = std::min(atoll(seconds), kLongest);
    return life > 0 ? new SpareOverlays(std::chrono::seconds(life)) : nullptr;
  }();
  return only;
}

Start await_start(launch::Launched launched) {
  Start start;
  start.began = monotonic_now();
  start.supervisor = launched.supervisor;
  do {
    for (std::string line; take_line(start.rest, line);) {
      const bool runs = line.starts_with("running "), failed = line.starts_with("failed ");
      start.said.push_back(std::move(line));
      if (!runs && !failed) continue;
      if (runs)
        start.leash = std::move(launched.leash);
      else
        bury(start.supervisor);
      return start;
    }
  } while (receive_more(launched.leash.get(), start.supervisor, start.rest));
  bury(start.supervisor);
  return start;
}

LeashWatch& LeashWatch::shared() {
  static auto& only = *new LeashWatch;
  return only;
}

LeashWatch::LeashWatch() : poll_(epoll_create1(EPOLL_CLOEXEC)) {}

uint32_t LeashWatch::follow(Napi::Function heard, sys::Fd socket, pid_t supervisor,
                            std::string rest) {
  auto leash = std::make_shared<Leash>();
  leash->supervisor = supervisor;
  leash->socket = std::move(socket);
  leash->rest = std::move(rest);
  leash->back = &Mailbox::of(heard.Env());
  leash->back->expect(heard.Env());
  leash->heard = Napi::Persistent(heard);
  // The last to let go of it may be another thread, or come after JavaScript's end.
  leash->heard.SuppressDestruct();
  tell_lines(leash);
  bool watched = true;
  {
    const std::lock_guard lock(mutex_);
    if (last_ == 0)
      watched = static_cast<bool>(sys::ParkedThreads::shared().run([this] { watch(); }));
    leash->number = ++last_;
    leashes_[leash->number] = leash;
    watched = watched && watch_for(leash->socket.get(), leash->number);
  }
  // Nobody can listen: it is left alone, and whoever asks is told that it does not answer.
  if (!watched) close(leash);
  return leash->number;
}

bool LeashWatch::watch_for(int fd, uint32_t number) {
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.u32 = number;
  return epoll_ctl(poll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void LeashWatch::watch() {
  constexpr int kMost = 64;
  for (epoll_event events[kMost];;) {
    auto* const spares = spare_overlays();
    const int count =
        epoll_wait(poll_.get(), events, kMost, spares == nullptr ? -1 : spares->expire());
    for (int i = 0; i < count; ++i) {
      const Shared leash = find(events[i].data.u32);
      if (!leash) continue;
      if (!leash->socket) {
        await_supervisor(leash->supervisor);
        finish(leash);
      } else if (!receive(leash)) {
        close(leash);
      }
    }
  }
}

bool LeashWatch::receive(const Shared& leash) {
  if (!receive_more(leash->socket.get(), leash->supervisor, leash->rest)) return false;
  tell_lines(leash);
  return true;
}

void LeashWatch::tell_lines(const Shared& leash) {
  for (std::string line; take_line(leash->rest, line);) {
    leash->back->post(
        [leash, line](Napi::Env env) { tell(env, leash->heard, Napi::String::New(env, line)); });
  }
}

/// The supervisor has closed its end and is about to be gone.
void LeashWatch::close(const Shared& leash) {
  {
    const std::lock_guard lock(mutex_);
    leash->socket.reset();
    leash->end.reset(static_cast<int>(syscall(SYS_pidfd_open, leash->supervisor, 0)));
  }
  if (waitpid(leash->supervisor, nullptr, WNOHANG | __WALL) != 0) return finish(leash);
  if (leash->end && watch_for(leash->end.get(), leash->number)) return;
  await_supervisor(leash->supervisor);
  finish(leash);
}

void LeashWatch::finish(const Shared& leash) {
  if (auto* spares = spare_overlays()) spares->forget(leash->supervisor);
  {
    const std::lock_guard lock(mutex_);
    leashes_.erase(leash->number);
    // Now, not when JavaScript has been told: until then it would be ready again and again.
    leash->end.reset();
  }
  leash->back->post([leash](Napi::Env env) {
    if (std::exchange(leash->expected, false)) leash->back->stop_waiting(env);
    leash->back->nothing_more();
    tell(env, leash->heard, env.Null());
    leash->heard.Reset();
  });
}

void LeashWatch::say(uint32_t number, const std::string& line) {
  const Shared leash = find(number);
  if (!leash) return;
  const std::string whole = line + "\n";
  const std::lock_guard lock(mutex_);
  if (leash->socket)
    (void)!send(leash->socket.get(), whole.data(), whole.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void LeashWatch::leave(Napi::Env env, uint32_t number) {
  const Shared leash = find(number);
  // What it says is still posted, also while JavaScript ends: only then is it known that nobody hears it.
  if (leash && std::exchange(leash->expected, false)) leash->back->stop_waiting(env);
}

LeashWatch::Shared LeashWatch::find(uint32_t number) {
  const std::lock_guard lock(mutex_);
  const auto found = leashes_.find(number);
  return found == leashes_.end() ? nullptr : found->second;
}

}  // namespace berth::addon
