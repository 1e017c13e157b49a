// What is left to do when the container has ended, or never began.
#pragma once

#include "init/journal.h"
#include "init/network.h"
#include "init/oom.h"
#include "launch/plan.h"
#include "sys/fd.h"
#include "sys/spare_folders.h"
#include "sys/text.h"

namespace berth::init {

/// Handles opened while the host's tree could still be seen, for use after the supervisor has let go of it.
class Ending {
 public:
  /// Errors name the call that failed; `*subject` says on what.
  sys::Result<void> prepare(const launch::Plan& plan, const char** subject);
  /// The same of the cgroups, for when there is time for it; before anything of the container runs, or is given up.
  sys::Result<void> prepare_cgroups(const launch::Plan& plan, const char** subject);

  /// To be called before anything of the container runs: what it leaves as it is now others may have.
  sys::Result<void> look_at_upper(const launch::Plan& plan);
  /// Removes already what a container that leaves nothing has no more need of.
  void forget_mount(const launch::Plan& plan) const;

  /// What the kernel killed for want of memory. Asked before the cgroup goes.
  OomWitness& oom() { return oom_; }
  /// Kills what the first process leaves behind, where the kernel does not: in a pid namespace that is not the container's own.
  sys::Result<void> kill_all();
  /// Removes the task's cgroups; a straggler that is not reaped yet gets a moment.
  sys::Result<void> remove_cgroups();
  /// Removes its volatile state alone.
  sys::Result<void> remove_state();
  /// Removes all trace of the container: name, volumes of its own, upper directory, logs, volatile state. A journal is told when only the last is
  /// left, by which a container is known whose supervisor was killed here.
  sys::Result<void> remove_container(const Journal* journal = nullptr);

  /// The overlay, if the container has left it for another: its directories are where spare ones are, and `overlay_` is no use to this process.
  sys::Fd take_spare() { return std::move(spare_); }

  PublishedPorts& ports() { return ports_; }
  int state() const { return state_.get(); }
  /// The durable root of the installation.
  int root() const { return root_.get(); }
  /// The durable directory; logs go below it.
  int container() const { return container_.get(); }

 private:
  void add_later_cgroup(const char* path);
  sys::Result<void> discard_container();

  using Name = sys::Text<80>;
  struct CgroupPlace {
    sys::Fd parent;
    Name name;
  };
  static constexpr uint32_t kMostHierarchies = 16;

  Name id_, name_, folder_;  // copies: the plan does not live as long
  CgroupPlace cgroups_[kMostHierarchies + 1];
  uint32_t cgroup_count_ = 0;
  uint32_t own_volumes_ = 0;
  sys::Fd kill_;     // cgroup.kill; none: the kernel does it
  sys::Fd members_;  // cgroup.procs of a v1 hierarchy, where there is no v2
  PublishedPorts ports_;
  OomWitness oom_;
  sys::UntouchedFolder upper_;
  sys::Fd root_, state_parent_, state_, container_;
  sys::Fd overlay_;  // a copy of the container's root, which no process of its can see
  sys::Fd spare_;    // the same, once it is for another container
};

}  // namespace berth::init
