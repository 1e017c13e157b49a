// Namespaces that somebody else has made, and the clock of one's own.
#pragma once

#include "init/progress.h"
#include "launch/plan.h"
#include "sys/fd.h"
#include "sys/kernel.h"

namespace berth::init {

/// Joins all of plan.joined: those of pid and time take effect for the children of this process alone. Before any other namespace is made, while this process
/// still has the rights that the others were made with.
sys::Result<void> join_namespaces(const launch::Plan& plan, Progress& progress);

/// The namespaces that a container shares with others, opened while they are surely theirs.
struct JoinedFiles {
  static constexpr uint32_t kMost = 8;
  sys::Fd files[kMost];  // in the plan's order

  /// ESRCH: one of plan.peers runs no more.
  sys::Result<void> open(const launch::Plan& plan, Progress& progress);
  /// The one of that kind (CLONE_NEW*); -1: none.
  int of_kind(const launch::Plan& plan, uint64_t type) const;
  int users(const launch::Plan& plan) const { return of_kind(plan, sys::kernel::kCloneNewUser); }
  /// Joins those whose CLONE_NEW* flag is in `types`, the user namespace first: it gives the right to join the others.
  sys::Result<void> join(const launch::Plan& plan, uint64_t types, Progress& progress) const;
};

/// Whether the first process is cloned by a process that has joined a user namespace already, so that the new pid namespace belongs to that one: else
/// the container could not mount a proc of it.
bool cloned_within(const launch::Plan& plan);

/// clone3 from within the user namespace `users`, by a helper that is gone afterwards; the child is this process's own all the same. Returns as clone3 does,
/// in this process and in the child, with `*pidfd` filled here.
long clone_within(int users, sys::kernel::CloneArgs args, int* pidfd);

/// Makes a time namespace with the plan's offsets for the next child, if there are any.
sys::Result<void> make_time_namespace(const launch::Plan& plan, Progress& progress);

}  // namespace berth::init
