#include "init/birth.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cstring>

#include "init/first_process.h"
#include "init/namespaces.h"
#include "init/root_tree.h"
#include "sys/defence.h"
#include "sys/kernel.h"
#include "sys/pass_descriptors.h"
#include "sys/text.h"

namespace berth::init {
namespace {

using launch::kAboutToExecute;
using launch::Plan;
using sys::Fd;
using sys::Result;

Result<void> check(int outcome, const char* call) {
  if (outcome != 0) return sys::last_error(call);
  return {};
}

Result<void> write_id_map(int process, const char* file, const launch::List<launch::IdMap>& maps) {
  sys::Text<4096> text;
  for (const auto& map : maps) {
    for (const uint32_t number : {map.inside, map.outside, map.count}) {
      text.add(number);
      text.add(' ');
    }
    text.add('\n');
  }
  BERTH_ASSIGN(const Fd fd, sys::adopt(openat(process, file, O_WRONLY | O_CLOEXEC), "openat"));
  if (!text.whole()) return sys::Error{E2BIG, "write"};
  if (write(fd.get(), text.c_str(), text.size()) != static_cast<ssize_t>(text.size()))
    return sys::last_error("write");
  return {};
}

}  // namespace

Result<void> open_v1_tasks(const Plan& plan, V1Tasks& tasks, Progress& progress) {
  uint32_t count = 0;
  for (const char* task : plan.cgroup.v1) {
    progress.at("cgroup", task);
    const sys::Text<PATH_MAX> path(task, "/tasks");
    if (count == V1Tasks::kMost) return sys::Error{E2BIG, "open"};
    BERTH_ASSIGN(tasks.files[count], sys::adopt(open(path.c_str(), O_WRONLY | O_CLOEXEC), "open"));
    tasks.numbers[count] = tasks.files[count].get();
    ++count;
  }
  return {};
}

Result<Fd> open_cgroup(const Plan& plan) {
  if (plan.cgroup.unified[0] == '\0') return Fd();
  return sys::adopt(open(plan.cgroup.unified, O_PATH | O_DIRECTORY | O_CLOEXEC), "open");
}

Result<pid_t> host_pid_of(int pidfd) {
  const sys::Text<48> path("/proc/self/fdinfo/", pidfd);
  BERTH_ASSIGN(const Fd file, sys::adopt(open(path.c_str(), O_RDONLY | O_CLOEXEC), "open"));
  char text[512];
  const ssize_t length =
      sys::retry_interrupted([&] { return read(file.get(), text, sizeof text - 1); });
  if (length < 0) return sys::last_error("read");
  text[length] = '\0';
  const char* line = strstr(text, "\nPid:\t");
  if (line == nullptr) return sys::Error{EPROTO, "read"};
  return static_cast<pid_t>(sys::leading_number(line + strlen("\nPid:\t")));
}

Result<void> make_report(Fd& ours, Fd& theirs) {
  int ends[2];
  BERTH_TRY(check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), "socketpair"));
  ours.reset(ends[0]);
  theirs.reset(ends[1]);
  return {};
}

Result<void> leave_session(Progress& progress) {
  progress.at("session");
  if (setsid() < 0) return sys::last_error("setsid");
  umask(0);
  BERTH_TRY(check(chdir("/"), "chdir"));
  if (sys::holds("undumpable")) BERTH_TRY(check(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), "prctl"));
  return check(prctl(PR_SET_NAME, "berth-init", 0, 0, 0), "prctl");
}

Result<void> leave_cgroups(const Plan& plan, Progress& progress) {
  for (const char* task : plan.cgroup.v1) {
    progress.at("cgroup", task);
    const sys::Text<PATH_MAX> path(sys::Piece{task, static_cast<size_t>(strrchr(task, '/') - task)},
                                   "/tasks");
    BERTH_ASSIGN(const Fd file, sys::adopt(open(path.c_str(), O_WRONLY | O_CLOEXEC), "open"));
    if (write(file.get(), "0", 1) != 1) return sys::last_error("write");
  }
  return {};
}

namespace {

using Path = sys::Text<PATH_MAX>;

/// What the stage covers, for the supervisor alone, which has open already what it needs of that. Its own state directory, which can be removed then only once it
/// has left the host's tree. Where no path of the host's is shown in the container, the folder of all such: that stays.
Path stage_place(const Plan& plan) {
  const char* const own = plan.state_directory;
  const char* const end = plan.rootfs.reusable ? strrchr(own, '/') : nullptr;
  return end == nullptr ? Path(own) : Path(sys::Piece{own, static_cast<size_t>(end - own)});
}

}  // namespace

Result<void> make_stage(const Plan& plan, Progress& progress) {
  const Path place = stage_place(plan);
  progress.at("stage", plan.state_directory);
  BERTH_TRY(check(unshare(CLONE_NEWNS), "unshare"));
  BERTH_TRY(check(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "mount"));
  BERTH_TRY(check(
      mount("berth", place.c_str(), "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=64k,mode=755"),
      "mount"));
  return check(chdir(place.c_str()), "chdir");
}

Result<void> strike_stage(const Plan& plan) {
  BERTH_TRY(check(chdir("/"), "chdir"));
  // EINVAL: it was never put up.
  if (umount2(stage_place(plan).c_str(), MNT_DETACH) != 0 && errno != EINVAL && errno != ENOENT)
    return sys::last_error("umount2");
  return {};
}

Result<Container> begin(const Plan& plan, Progress& progress, const HandoverEnds& handover) {
  Container container;
  Fd go_read, report;
  int ends[2];
  BERTH_TRY(check(pipe2(ends, O_CLOEXEC), "pipe2"));
  go_read.reset(ends[0]);
  container.go.reset(ends[1]);
  BERTH_TRY(make_report(container.report, report));
  BERTH_ASSIGN(Stdio stdio, make_stdio(plan));
  V1Tasks tasks;
  BERTH_TRY(open_v1_tasks(plan, tasks, progress));

  JoinedFiles joined;
  Fd own_pids;
  if (!plan.handover.wanted) {
    BERTH_TRY(joined.open(plan, progress));
    if (joined.of_kind(plan, sys::kernel::kCloneNewPid) >= 0) {
      BERTH_ASSIGN(own_pids, sys::adopt(open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC), "open"));
    }
    // For the children of this process, which there is one of.
    BERTH_TRY(joined.join(plan, sys::kernel::kCloneNewPid, progress));
  }
  progress.at("clone");
  int pidfd = -1;
  sys::kernel::CloneArgs args = {};
  args.flags = (plan.namespaces & (sys::kernel::kCloneNewUser | sys::kernel::kCloneNewPid)) |
               sys::kernel::kClonePidfd;
  args.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  args.exit_signal = SIGCHLD;
  progress.subject = plan.cgroup.unified;
  BERTH_ASSIGN(const Fd cgroup, open_cgroup(plan));
  if (cgroup) {
    args.flags |= sys::kernel::kCloneIntoCgroup;
    args.cgroup = static_cast<uint64_t>(cgroup.get());
  }
  const long pid = cloned_within(plan) ? clone_within(joined.users(plan), args, &pidfd)
                                       : sys::kernel::clone3(&args);
  if (pid < 0) return sys::last_error("clone3");
  if (pid == 0) {
    // The write end of `go` must be the supervisor's alone: its death is then an end of file here.
    container.go.reset();
    container.report.reset();
    // To see the container on record is the supervisor's business alone.
    if (!plan.handover.wanted) close(launch::kLaunchFd);
    if (plan.rootfs.made) close(launch::kOverlayFd);
    run_first_process(plan, {go_read.get(),
                             {report.get(),
                              {stdio.theirs[0].get(), stdio.theirs[1].get(), stdio.theirs[2].get()},
                              tasks.numbers,
                              plan.cgroup.v1.count},
                             progress.timings == nullptr ? nullptr : progress.timings + 1,
                             handover.start,
                             handover.console,
                             &joined});
  }
  container.pid = static_cast<pid_t>(pid);
  container.pidfd.reset(pidfd);
  // Children elsewhere are all that it could have: no thread, which the log needs (clone(2): EINVAL).
  if (own_pids && setns(own_pids.get(), CLONE_NEWPID) != 0) return sys::last_error("setns");
  container.ends = std::move(stdio.ours);
  if (const int users = joined.users(plan); users >= 0) {
    BERTH_ASSIGN(container.users, sys::adopt(fcntl(users, F_DUPFD_CLOEXEC, 3), "fcntl"));
  }
  BERTH_ASSIGN(container.host_pid, host_pid_of(pidfd));
  return container;
}

Result<Fd> map_ids(const Plan& plan, const Container& container, Progress& progress) {
  progress.at("idmap");
  if (container.users) return sys::adopt(fcntl(container.users.get(), F_DUPFD_CLOEXEC, 3), "fcntl");
  if ((plan.namespaces & sys::kernel::kCloneNewUser) == 0) return Fd();
  const sys::Text<32> path("/proc/", container.host_pid);
  BERTH_ASSIGN(const Fd process,
               sys::adopt(open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC), "open"));
  BERTH_TRY(write_id_map(process.get(), "uid_map", plan.uids));
  BERTH_TRY(write_id_map(process.get(), "gid_map", plan.gids));
  return sys::adopt(openat(process.get(), "ns/user", O_RDONLY | O_CLOEXEC), "openat");
}

Result<bool> await_namespaces(Container& container) {
  char byte = kNamespacesMade;
  const ssize_t length =
      sys::retry_interrupted([&] { return read(container.report.get(), &byte, 1); });
  if (length < 0) return sys::last_error("read");
  container.failure_head = byte;
  return length == 1 && byte == kNamespacesMade;
}

Result<void> raise_limits(const Plan& plan, pid_t process, Progress& progress) {
  for (const auto& limit : plan.process.limits) {
    progress.at("limits", limit.name);
    rlimit now;
    BERTH_TRY(
        check(static_cast<int>(syscall(SYS_prlimit64, process, limit.resource, nullptr, &now)),
              "prlimit"));
    // The soft one, and what is to be lower, the first process sets itself once it needs no more.
    if (limit.hard <= now.rlim_max) continue;
    now.rlim_max = limit.hard;
    BERTH_TRY(
        check(static_cast<int>(syscall(SYS_prlimit64, process, limit.resource, &now, nullptr)),
              "prlimit"));
  }
  return {};
}

Result<void> adjust_oom_score(const Plan& plan, pid_t process, Progress& progress) {
  if (!plan.process.adjust_oom_score) return {};
  const sys::Text<16> score(plan.process.oom_score);
  progress.at("oom_score");
  const sys::Text<48> path("/proc/", process, "/oom_score_adj");
  BERTH_ASSIGN(const Fd file, sys::adopt(open(path.c_str(), O_WRONLY | O_CLOEXEC), "open"));
  if (write(file.get(), score.c_str(), score.size()) != static_cast<ssize_t>(score.size()))
    return sys::last_error("write");
  return {};
}

bool await_program(Container& container, Failure& failure) {
  char report[1 + sizeof failure];
  size_t length = 0;
  if (container.failure_head != '\0') report[length++] = container.failure_head;
  while (length < sizeof report) {
    Fd& terminal = container.ends.terminal;
    const bool had_terminal = static_cast<bool>(terminal);
    const ssize_t part = sys::receive_with_descriptors(container.report.get(), report + length,
                                                       sizeof report - length, &terminal, 1);
    if (part <= 0) break;
    length += static_cast<size_t>(part);
    if (terminal && !had_terminal) memmove(report, report + 1, --length);
  }
  if (length == 1 && report[0] == kAboutToExecute) return true;
  if (length >= sizeof failure) {
    memcpy(&failure, report + length - sizeof failure, sizeof failure);
  } else {
    failure = describe({"start", ""}, {ECHILD, "waitpid"});
  }
  return false;
}

Result<void> leave_host_tree() {
  // What is seen from now on is one empty, read-only folder. One unmount for all: each costs a grace period of the kernel's RCU.
  BERTH_TRY(check(chdir(kEmptyDirectory), "chdir"));
  BERTH_TRY(check(static_cast<int>(sys::kernel::pivot_root(".", ".")), "pivot_root"));
  return check(umount2(".", MNT_DETACH), "umount2");
}

}  // namespace berth::init
