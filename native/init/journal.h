// What a supervisor tells the journal of its installation about its container.
#pragma once

#include "init/current_name.h"
#include "launch/plan.h"
#include "sys/fd.h"
#include "sys/text.h"

namespace berth::init {

struct ExitStatus;
struct OomReport;

/// Handles for as long as the container lives, when the host's tree can no longer be seen. Without `event` in launch.json nothing is told.
class Journal {
 public:
  /// More attributes than fit are none.
  using Attributes = sys::Text<1024>;

  /// `root`: the durable root, opened by somebody who keeps it open as long.
  void open(int root, const launch::Plan& plan);
  /// One event. `attributes`: the members of an object, without its braces.
  void tell(const char* action, const sys::TextBase& attributes) const;
  void tell(const char* action) const { tell(action, Attributes()); }
  /// Attributes that say which program it was that was sent in.
  static Attributes program(const launch::Process& process, pid_t pid);
  /// The program runs, and the container is new if `made`.
  void tell_start(bool made, pid_t pid) const;
  /// A volume that the container had for itself is gone.
  void tell_volume_gone(const char* name) const;
  /// Processes that were killed for want of memory, and that nobody was told of.
  void tell_oom(const OomReport& killed) const;
  /// That it ended.
  void tell_end(const ExitStatus& exit) const;

 private:
  void add(sys::TextBase& lines, const char* action, const sys::TextBase& attributes) const;
  void write(const sys::TextBase& lines) const;

  static constexpr size_t kMostWhom = 2000;

  void find_name();
  /// The members of an event that say whom it is about, as it is called now.
  void add_whom(sys::TextBase& lines) const;

  int root_ = -1;
  ContainerName id_;
  sys::Text<kMostWhom + 1> whom_;       // those members as they were at the start
  size_t name_at_ = 0, name_ends_ = 0;  // the name in them; both 0: none
  mutable char name_[80] =
      {};  // the last that was found: the folder that tells it goes before the last event
};

}  // namespace berth::init
