// Starting containers: from two documents to a supervisor that runs.
#pragma once

#include <string>
#include <variant>

#include "launch/failure.h"
#include "launch/seccomp_profile.h"
#include "sys/fd.h"

namespace berth::launch {

struct LaunchRequest {
  std::string config;      // config.json
  std::string launch;      // launch.json
  std::string container;   // container.json, kept beside them for whoever lists containers
  std::string supervisor;  // the berth-init executable
  int id_range = -1;
  int held = -1;  // NetworkClaim::held
  int output[2] = {-1, -1};
};

/// Changes the limits of a running container from `before` to `after`, each the text of a `linux.resources`; `cgroup` is the text of the member of that
/// name in its launch.json. After a Failure the old ones are in force.
std::variant<std::monostate, Failure> update_limits(const std::string& cgroup,
                                                    const std::string& before,
                                                    const std::string& after);

struct Launched {
  pid_t supervisor = -1;
  sys::Fd leash;
};

/// One for each process that launches: keeps what every launch needs again. Safe to use from several threads.
class Launcher {
 public:
  /// Makes the container's directories and cgroups and starts its supervisor. What becomes of it is told on the leash; a Failure means that
  /// nothing was started and nothing is left.
  std::variant<Launched, Failure> launch(const LaunchRequest& request);

 private:
  sys::Result<int> supervisor_program(const std::string& path);

  SeccompCache seccomp_;
  std::mutex mutex_;
  std::string program_path_;
  sys::Fd program_;
};

}  // namespace berth::launch
