// Root file systems of containers that have ended and wrote nothing, still mounted, for the next ones of the same layers and ids. To mount an overlay and to
// take it down makes and removes seven files of the disk: a tenth of a launch.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "launch/plan.h"
#include "sys/id_range.h"

namespace berth::launch {

/// Could nobody but the container's own processes have got hold of its root file system? Those have all ended when it has: what they had open is closed.
/// A socket in a volume, on a network of others, a process of another container, or a device of the host could have carried a descriptor away.
bool reached_by_nobody_else(const Plan& plan);

/// Held by descriptors alone: whoever holds them may be killed at any moment, and nothing is left. Safe to use from several threads.
class SpareOverlays {
 public:
  using Clock = std::chrono::steady_clock;
  /// As many containers as are likely to be launched in one moment.
  static constexpr size_t kMost = 4;
  static constexpr std::chrono::seconds kLife{10};
  /// A spare keeps its range from every other process. Where there are fewer, one could find all of them taken while nothing runs.
  static constexpr uint32_t kFewestRanges = 16 * kMost;

  /// `life`: for so long a spare keeps busy what its layers lie on.
  explicit SpareOverlays(std::chrono::seconds life = kLife) : life_(life) {}

  /// What two containers have to have in common for one to take the other's overlay.
  struct Kind {
    /// The layers' paths, topmost first, a newline after each.
    std::string layers;
    /// All else, the layers' inodes among it: of an image that was removed and has come again nothing is left in the overlay. Empty: they cannot be told.
    std::string rest;
    uint32_t first_id = 0;

    static Kind of(const Plan& plan);
    bool operator==(const Kind&) const = default;
  };

  struct Spare {
    Kind kind;
    std::string
        folder;  // where its upper and work directories are: below sys::kSpareFolders of the root
    sys::Fd overlay;  // detached
    sys::Fd claim;    // on the range of ids; none once it is taken
    Clock::time_point until;
  };

  /// The container `id` of that supervisor may leave one.
  void expect(pid_t supervisor, const std::string& id, Kind kind);
  /// It has: its overlay and its claim.
  void keep(pid_t supervisor, sys::Fd overlay, sys::Fd claim);
  /// It will not.
  void forget(pid_t supervisor);

  /// The claim of a spare of those layers, if its range is one of `count` ranges from `first` on that are claimed in `file`.
  std::optional<sys::IdRange> claim(std::string_view layers, const char* file, uint32_t first,
                                    uint32_t size, uint32_t count);
  /// The spare for a container of that kind, whose ids the caller has claimed.
  std::optional<Spare> take(const Kind& kind);

  /// Lets go of all. False: there were none.
  bool clear();
  /// Lets go of those whose time is over. Milliseconds until the next one's is; -1: there is none.
  int expire();

 private:
  struct Expected {
    std::string id;
    Kind kind;
  };

  const std::chrono::seconds life_;
  std::mutex mutex_;
  uint32_t ranges_ = 0;  // that there are, as whoever claimed last has said
  std::map<pid_t, Expected> expected_;
  std::vector<Spare> spares_;  // the oldest first
};

}  // namespace berth::launch
