// Starting containers: from two documents to a supervisor that runs.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "launch/failure.h"
#include "launch/launch_facts.h"
#include "launch/limits.h"
#include "launch/plan_store.h"
#include "launch/process_change.h"
#include "launch/seccomp_profile.h"
#include "launch/spare_overlays.h"
#include "sys/fd.h"

namespace berth::launch {

struct LaunchRequest {
  /// config.json, up to the value of `linux.seccomp`, that value, and what follows it. Whoever has it in one piece leaves the other two empty: apart, a profile that
  /// was met before need not be read again.
  std::string config, seccomp, config_end;
  std::string launch;      // launch.json
  std::string container;   // container.json, kept beside them for whoever lists containers
  std::string supervisor;  // the berth-init executable
  int id_range = -1;
  int held = -1;       // NetworkClaim::held
  int launching = -1;  // a lock for the supervisor to hold until the container is on record
  int client[3] = {-1, -1, -1};  // the client's stdin, stdout and stderr; -1: none
};

struct ExecRequest {
  std::string config;  // config.json of a container that runs
  std::string launch;  // its launch.json
  ProcessChange change;
  std::string supervisor;
  pid_t pid = -1;  // of its first process, and when that started (field 22 of /proc/PID/stat)
  uint64_t started = 0;
  int client[3] = {-1, -1, -1};
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

/// What config.json and launch.json come to.
struct Description {
  PlanStore store;
  Plan plan;
  Limits limits;
  LaunchFacts facts;
};

/// One for each process that launches: keeps what every launch needs again. Safe to use from several threads.
class Launcher {
 public:
  /// `spares`: where what containers leave for others is kept, by whoever hears their supervisors; null: it is not.
  explicit Launcher(SpareOverlays* spares = nullptr) : spares_(spares) {}

  /// Makes the container's directories and cgroups and starts its supervisor. What becomes of it is told on the leash; a Failure means that
  /// nothing was started and nothing is left.
  std::variant<Launched, Failure> launch(const LaunchRequest& request);

  /// Starts a supervisor that sends one more program into a container; the rest is told on its leash. ESRCH: the container has ended.
  std::variant<Launched, Failure> exec(const ExecRequest& request);

 private:
  /// Reads both documents and compiles the filter: that of `config`, or `seccomp` if there is any. BAD_CONFIG and the errors of compiling.
  std::optional<Failure> read(const std::string& config, const std::string& seccomp,
                              const std::string& launch, Description& description);
  sys::Result<int> supervisor_program(const std::string& path, const Plan& plan);

  std::optional<SpareOverlays::Spare> take_spare(Plan& plan, SpareOverlays::Kind& kind);

  SpareOverlays* spares_;
  SeccompCache seccomp_;
  std::mutex mutex_;
  std::string program_path_;
  sys::Fd program_;
};

}  // namespace berth::launch
