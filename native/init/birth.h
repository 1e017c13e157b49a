// The birth of a container, step by step, as its supervisor sees it.
#pragma once

#include "init/progress.h"
#include "init/stdio.h"
#include "launch/plan.h"
#include "sys/fd.h"

namespace berth::init {

/// The supervisor's handles on the program it supervises: a container's first process, or one that was sent in later.
struct Container {
  pid_t pid = -1;  // as the supervisor sees it, which may be process 1 of a pid namespace itself
  pid_t host_pid = -1;  // as everybody else does
  sys::Fd pidfd;
  sys::Fd go;  // takes one byte when the first process may go on
  sys::Fd
      report;  // gives the master of a terminal, then a Failure, or end of file when the program runs
  sys::Fd host;  // of what was sent in later: the container's first process
  OurEnds ends;
  /// The first byte of a Failure that came in the place of kNamespacesMade; 0: none did.
  char failure_head = '\0';
  sys::Fd users;  // the user namespace of another container that this one shares
};

/// The `tasks` files of a plan's v1 cgroups, for a process to put itself into them.
struct V1Tasks {
  static constexpr uint32_t kMost = 16;
  sys::Fd files[kMost];
  int numbers[kMost];
};
sys::Result<void> open_v1_tasks(const launch::Plan& plan, V1Tasks& tasks, Progress& progress);

/// Opens the unified cgroup of the plan for CLONE_INTO_CGROUP; none where there is none.
sys::Result<sys::Fd> open_cgroup(const launch::Plan& plan);

/// A process's pid in the namespace that /proc belongs to, which is the host's (proc(5), fdinfo of a pidfd).
sys::Result<pid_t> host_pid_of(int pidfd);

/// Both ends of the report, the supervisor's and the process's.
sys::Result<void> make_report(sys::Fd& ours, sys::Fd& theirs);

/// Leaves the launcher's session: what ends that must not end the container.
sys::Result<void> leave_session(Progress& progress);

/// The same of its cgroups, for those that all containers of the root share. ENOENT: there are none yet.
sys::Result<void> leave_cgroups(const launch::Plan& plan, Progress& progress);

/// Makes a mount namespace of the supervisor's own, and in it an empty file system to build on, which becomes the working directory.
sys::Result<void> make_stage(const launch::Plan& plan, Progress& progress);

/// Takes the stage down when there is no container to take it over; until then its folder cannot be removed.
sys::Result<void> strike_stage(const launch::Plan& plan);

/// What the first process of a container that is handed over gets besides the caller's own descriptors.
struct HandoverEnds {
  int start = -1;    // a listening socket
  int console = -1;  // a socket that takes the terminal
};

/// Clones the first process into its user and pid namespaces (and its v2 cgroup); its other namespaces it makes itself, meanwhile.
sys::Result<Container> begin(const launch::Plan& plan, Progress& progress,
                             const HandoverEnds& handover = {});

/// Writes the id maps of the new user namespace and opens it; none when the container shares the host's.
sys::Result<sys::Fd> map_ids(const launch::Plan& plan, const Container& container,
                             Progress& progress);

/// Says how ready the kernel is to kill the process when memory runs out. From outside its user namespace, where that may also become less
/// (proc_pid_oom_score_adj(5)).
sys::Result<void> adjust_oom_score(const launch::Plan& plan, pid_t process, Progress& progress);

/// Raises the hard limits that the plan wants higher than they are, which takes a right of the host's own. EPERM: this process has it not.
sys::Result<void> raise_limits(const launch::Plan& plan, pid_t process, Progress& progress);

/// Waits until the first process has made the namespaces that it makes early. False: it has failed.
sys::Result<bool> await_namespaces(Container& container);

/// Waits until the program runs (true) or has failed to (false: `failure` says why), and takes over its terminal.
bool await_program(Container& container, Failure& failure);

/// Lets go of the host's mounts and of the container's, so that no supervisor keeps one busy.
sys::Result<void> leave_host_tree();

}  // namespace berth::init
