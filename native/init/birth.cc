#include "init/birth.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cstring>

#include "init/first_process.h"
#include "init/root_tree.h"
#include "sys/kernel.h"
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

Result<void> make_pipe(Fd& read_end, Fd& write_end) {
  int ends[2];
  BERTH_TRY(check(pipe2(ends, O_CLOEXEC), "pipe2"));
  read_end.reset(ends[0]);
  write_end.reset(ends[1]);
  return {};
}

Result<void> open_v1_tasks(const Plan& plan, Fd (&files)[16], Progress& progress) {
  uint32_t count = 0;
  for (const char* task : plan.cgroup.v1) {
    progress.at("cgroup", task);
    const sys::Text<PATH_MAX> path(task, "/tasks");
    if (count == 16) return sys::Error{E2BIG, "open"};
    BERTH_ASSIGN(files[count++], sys::adopt(open(path.c_str(), O_WRONLY | O_CLOEXEC), "open"));
  }
  return {};
}

/// A process's pid in the namespace that /proc belongs to, which is the host's (proc(5), fdinfo of a pidfd).
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

Result<void> stand_alone(const Plan& plan, Progress& progress) {
  progress.at("session");
  if (setsid() < 0) return sys::last_error("setsid");
  umask(0);
  BERTH_TRY(check(chdir("/"), "chdir"));
  BERTH_TRY(check(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), "prctl"));
  BERTH_TRY(check(prctl(PR_SET_NAME, "berth-init", 0, 0, 0), "prctl"));
  for (const char* task : plan.cgroup.v1) {
    progress.at("cgroup", task);
    const sys::Text<PATH_MAX> path(sys::Piece{task, static_cast<size_t>(strrchr(task, '/') - task)},
                                   "/tasks");
    BERTH_ASSIGN(const Fd file, sys::adopt(open(path.c_str(), O_WRONLY | O_CLOEXEC), "open"));
    if (write(file.get(), "0", 1) != 1) return sys::last_error("write");
  }
  return {};
}

Result<void> make_stage(const Plan& plan, Progress& progress) {
  progress.at("stage", plan.state_directory);
  BERTH_TRY(check(unshare(CLONE_NEWNS), "unshare"));
  BERTH_TRY(check(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "mount"));
  // Over the container's own state directory, which nobody else sees covered; the supervisor has it open already.
  BERTH_TRY(check(mount("berth", plan.state_directory, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
                        "size=64k,mode=755"),
                  "mount"));
  return check(chdir(plan.state_directory), "chdir");
}

Result<void> strike_stage(const Plan& plan) {
  BERTH_TRY(check(chdir("/"), "chdir"));
  // EINVAL: it was never put up.
  if (umount2(plan.state_directory, MNT_DETACH) != 0 && errno != EINVAL && errno != ENOENT)
    return sys::last_error("umount2");
  return {};
}

Result<Container> begin(const Plan& plan, Progress& progress, const HandoverEnds& handover) {
  Container container;
  Fd go_read, report_write, output_write[2];
  BERTH_TRY(make_pipe(go_read, container.go));
  BERTH_TRY(make_pipe(container.report, report_write));
  for (int i = 0; i < 2 && !plan.handover.wanted; ++i) {
    BERTH_TRY(make_pipe(container.output[i], output_write[i]));
    BERTH_TRY(check(fcntl(container.output[i].get(), F_SETFL, O_NONBLOCK), "fcntl"));
    // So that the program may open /dev/stdout, which reopens the pipe: it must be the program's own.
    if (plan.uids.count > 0) {
      BERTH_TRY(check(
          fchown(output_write[i].get(), plan.uids.items[0].outside, plan.gids.items[0].outside),
          "fchown"));
    }
  }
  BERTH_ASSIGN(const Fd input, sys::adopt(open("/dev/null", O_RDONLY | O_CLOEXEC), "open"));
  Fd v1_files[16];
  BERTH_TRY(open_v1_tasks(plan, v1_files, progress));
  int v1_tasks[16];
  for (uint32_t i = 0; i < plan.cgroup.v1.count; ++i) v1_tasks[i] = v1_files[i].get();

  progress.at("clone");
  int pidfd = -1;
  sys::kernel::CloneArgs args = {};
  args.flags = (plan.namespaces & (sys::kernel::kCloneNewUser | sys::kernel::kCloneNewPid)) |
               sys::kernel::kClonePidfd;
  args.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  args.exit_signal = SIGCHLD;
  Fd cgroup;
  if (plan.cgroup.unified[0] != '\0') {
    progress.subject = plan.cgroup.unified;
    BERTH_ASSIGN(cgroup,
                 sys::adopt(open(plan.cgroup.unified, O_PATH | O_DIRECTORY | O_CLOEXEC), "open"));
    args.flags |= sys::kernel::kCloneIntoCgroup;
    args.cgroup = static_cast<uint64_t>(cgroup.get());
  }
  const long pid = sys::kernel::clone3(&args);
  if (pid < 0) return sys::last_error("clone3");
  if (pid == 0) {
    // The write end of `go` must be the supervisor's alone: its death is then an end of file here.
    container.go.reset();
    container.report.reset();
    const FirstProcess ends = {go_read.get(),
                               report_write.get(),
                               {output_write[0].get(), output_write[1].get()},
                               input.get(),
                               v1_tasks,
                               plan.cgroup.v1.count,
                               progress.timings == nullptr ? nullptr : progress.timings + 1,
                               handover.start,
                               handover.console};
    run_first_process(plan, ends);
  }
  container.pid = static_cast<pid_t>(pid);
  container.pidfd.reset(pidfd);
  BERTH_ASSIGN(container.host_pid, host_pid_of(pidfd));
  return container;
}

Result<Fd> map_ids(const Plan& plan, const Container& container, Progress& progress) {
  if ((plan.namespaces & sys::kernel::kCloneNewUser) == 0) return Fd();
  progress.at("idmap");
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

Result<void> adjust_oom_score(const Plan& plan, const Container& container, Progress& progress) {
  if (!plan.process.adjust_oom_score) return {};
  const sys::Text<16> score(plan.process.oom_score);
  progress.at("oom_score");
  const sys::Text<48> path("/proc/", container.host_pid, "/oom_score_adj");
  BERTH_ASSIGN(const Fd file, sys::adopt(open(path.c_str(), O_WRONLY | O_CLOEXEC), "open"));
  if (write(file.get(), score.c_str(), score.size()) != static_cast<ssize_t>(score.size()))
    return sys::last_error("write");
  return {};
}

bool await_program(const Container& container, Failure& failure) {
  char report[1 + sizeof failure];
  size_t length = 0;
  if (container.failure_head != '\0') report[length++] = container.failure_head;
  while (length < sizeof report) {
    const ssize_t part = sys::retry_interrupted(
        [&] { return read(container.report.get(), report + length, sizeof report - length); });
    if (part <= 0) break;
    length += static_cast<size_t>(part);
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
