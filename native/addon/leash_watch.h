// Listens to the supervisors that this process has started: one thread for all of them, and JavaScript is only woken for whole lines.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "addon/mailbox.h"
#include "launch/launcher.h"

namespace berth::addon {

/// What became of a launch.
struct Start {
  pid_t supervisor = -1;
  uint64_t began = 0;  // when the supervisor was started, in nanoseconds of CLOCK_MONOTONIC
  /// All that the supervisor said up to `running` or `failed`.
  std::vector<std::string> said;
  /// None: its program does not run, and the supervisor is gone, and collected.
  sys::Fd leash;
  /// What came after that already.
  std::string rest;
};

/// What containers of this process have left for others; null: BERTH_SPARE, the seconds that it is kept, is 0. Never destroyed, like what uses it.
launch::SpareOverlays* spare_overlays();

/// Waits until the program of a supervisor that was just started runs, or has failed to.
Start await_start(launch::Launched launched);

class LeashWatch {
 public:
  /// Of the whole process; never destroyed, since its thread waits in it when the process ends.
  static LeashWatch& shared();

  /// From JavaScript's thread: from now on `heard` is called with every line, and with null once the supervisor is gone and
  /// collected. `rest`: what was read after `running`. Gives the number by which the others know it.
  uint32_t follow(Napi::Function heard, sys::Fd socket, pid_t supervisor, std::string rest);
  /// Says one line; nobody hears it if the supervisor has gone.
  void say(uint32_t number, const std::string& line);
  /// It no longer keeps the process alive.
  void leave(Napi::Env env, uint32_t number);

 private:
  struct Leash {
    uint32_t number = 0;
    pid_t supervisor = -1;
    sys::Fd socket;
    sys::Fd end;  // a pidfd, once the socket is closed and the supervisor on its last steps
    std::string rest;
    Mailbox* back = nullptr;
    // For JavaScript's thread alone:
    Napi::FunctionReference heard;
    bool expected = true;
  };
  using Shared = std::shared_ptr<Leash>;

  LeashWatch();
  void watch();
  /// False: the supervisor has closed it.
  static bool receive(const Shared& leash);
  static void tell_lines(const Shared& leash);
  void close(const Shared& leash);
  void finish(const Shared& leash);
  bool watch_for(int fd, uint32_t number);
  Shared find(uint32_t number);

  sys::Fd poll_;
  std::mutex mutex_;
  std::map<uint32_t, Shared> leashes_;
  uint32_t last_ = 0;
};

}  // namespace berth::addon
