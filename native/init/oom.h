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
  /// Nothing: they cannot be counted.
  sys::Result<uint64_t> kills() const;
  /// Those since it was last asked; no `kills`: none. Only the count where the kernel's log cannot be read or has moved on. `first` is the container's first
  /// process on the host.
  OomReport look(pid_t first);
  /// All that there were.
  const OomReport& whole() const { return whole_; }
  /// The file that counts them: on cgroup v2 it can be waited for (POLLPRI); -1: there is none.
  int events() const { return events_.get(); }
  /// Has `eventfd` count each time that memory runs out, which may be before anything is killed; v1 alone (memory.rst, "OOM Control").
  sys::Result<void> tell(int eventfd) const;
  /// Whether it is v1 that counts.
  bool counts_v1() const { return v1_; }
  void let_go();

 private:
  sys::Text<160> place_;
  sys::Fd cgroup_, events_, devices_;
  sys::Fd log_;  // the kernel's, read up to the last record that there was
  OomReport whole_;
  uint64_t told_ = 0;
  bool v1_ = false;
};

}  // namespace berth::init
