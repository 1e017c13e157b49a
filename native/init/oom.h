// Whom the kernel killed for want of memory, and at whose limit.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "sys/fd.h"
#include "sys/text.h"

namespace berth::init {

enum class OomLevel : uint8_t { kUnknown, kContainer, kAbove, kHost };

struct OomReport {
  uint64_t kills = 0;
  /// Of the last victim, or of the container's first process if it was one. As the kernel's log has the name: printable, other bytes as \xHH.
  char process[64] = "";
  pid_t pid = 0;  // on the host
  /// Whose limit was met: the container's own, that of a cgroup around it, or the host's memory.
  OomLevel level = OomLevel::kUnknown;
  char cgroup[256] = "";  // from the root of its hierarchy; empty: unknown
  uint64_t limit = 0;     // bytes; 0: unknown, or none
};

/// Reads one record of the kernel's log (Documentation/ABI/testing/dev-kmsg). True: it tells of a kill in the cgroup whose path ends in `place`
/// (`/berth-1a2b3c4d/4f1c0de5a7b3`), and the report is filled, but for the limit; `depth` is how many levels above the container's its cgroup lies. Nobody but
/// the kernel is believed: what a process writes there has another facility.
bool read_oom_record(const char* record, const char* place, OomReport& report, int& depth);

/// Handles for later, when the host's tree can no longer be seen.
class OomWitness {
 public:
  /// Considers one of the task's cgroups: the one with memory counts is kept.
  void prepare(const char* cgroup);
  uint64_t kills() const;
  /// Only the count where the kernel's log cannot be read or has moved on. `first` is the container's first process on the host.
  OomReport explain(pid_t first) const;
  void let_go();

 private:
  sys::Text<160> place_;
  sys::Fd cgroup_, events_, devices_;
};

}  // namespace berth::init
