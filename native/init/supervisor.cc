#include "init/supervisor.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstring>

#include "init/control.h"
#include "init/ending.h"
#include "init/first_process.h"
#include "init/output.h"
#include "init/records.h"
#include "init/root_tree.h"
#include "sys/kernel.h"
#include "sys/mount_api.h"
#include "sys/process.h"

namespace berth::init {
namespace {

using launch::Plan;
using sys::Fd;
using sys::Result;

LogWriter log_writer;  // its ring is large: static, and touched only when something is logged

/// The supervisor's handles on its container, from birth to end.
struct Container {
  pid_t pid = -1;
  Fd pidfd;
  Fd go;      // write end
  Fd report;  // read end
  Fd output[2];
};

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

/// Away from the launcher's session and cgroups: what ends those must not end the container.
Result<void> stand_alone(const Plan& plan, Progress& progress) {
  progress.at("session");
  if (setsid() < 0) return sys::last_error("setsid");
  umask(0);
  BERTH_TRY(check(chdir("/"), "chdir"));
  BERTH_TRY(check(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), "prctl"));
  BERTH_TRY(check(prctl(PR_SET_NAME, "berth-init", 0, 0, 0), "prctl"));
  for (const char* task : plan.cgroup.v1) {
    progress.at("cgroup", task);
    char path[PATH_MAX];
    const char* name = strrchr(task, '/');
    snprintf(path, sizeof path, "%.*s/tasks", static_cast<int>(name - task), task);
    BERTH_ASSIGN(const Fd file, sys::adopt(open(path, O_WRONLY | O_CLOEXEC), "open"));
    if (write(file.get(), "0", 1) != 1) return sys::last_error("write");
  }
  return {};
}

/// A mount namespace of the supervisor's own, and in it an empty file system to build on, which becomes the working directory.
Result<void> make_stage(const Plan& plan, Progress& progress) {
  progress.at("stage", plan.state_directory);
  BERTH_TRY(check(unshare(CLONE_NEWNS), "unshare"));
  BERTH_TRY(check(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "mount"));
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/stage", plan.state_directory);
  if (mkdir(path, 0700) != 0 && errno != EEXIST) return sys::last_error("mkdir");
  BERTH_TRY(check(mount("berth", path, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=64k,mode=755"), "mount"));
  return check(chdir(path), "chdir");
}

Result<void> open_v1_tasks(const Plan& plan, Fd (&files)[16], Progress& progress) {
  uint32_t count = 0;
  for (const char* task : plan.cgroup.v1) {
    progress.at("cgroup", task);
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/tasks", task);
    if (count == 16) return sys::Error{E2BIG, "open"};
    BERTH_ASSIGN(files[count++], sys::adopt(open(path, O_WRONLY | O_CLOEXEC), "open"));
  }
  return {};
}

/// Clones the first process into its user and pid namespaces (and its v2 cgroup); the rest it makes itself, meanwhile.
Result<Container> begin(const Plan& plan, Progress& progress) {
  Container container;
  Fd go_read, report_write, output_write[2];
  BERTH_TRY(make_pipe(go_read, container.go));
  BERTH_TRY(make_pipe(container.report, report_write));
  for (int i = 0; i < 2; ++i) {
    BERTH_TRY(make_pipe(container.output[i], output_write[i]));
    BERTH_TRY(check(fcntl(container.output[i].get(), F_SETFL, O_NONBLOCK), "fcntl"));
    // So that the program may open /dev/stdout, which reopens the pipe: it must be the program's own.
    if (plan.uids.count > 0) {
      BERTH_TRY(check(fchown(output_write[i].get(), plan.uids.items[0].outside, plan.gids.items[0].outside), "fchown"));
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
  args.flags = (plan.namespaces & (sys::kernel::kCloneNewUser | sys::kernel::kCloneNewPid)) | sys::kernel::kClonePidfd;
  args.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  args.exit_signal = SIGCHLD;
  Fd cgroup;
  if (plan.cgroup.unified[0] != '\0') {
    BERTH_ASSIGN(cgroup, sys::adopt(open(plan.cgroup.unified, O_PATH | O_DIRECTORY | O_CLOEXEC), "open"));
    args.flags |= sys::kernel::kCloneIntoCgroup;
    args.cgroup = static_cast<uint64_t>(cgroup.get());
  }
  const long pid = sys::kernel::clone3(&args);
  if (pid < 0) return sys::last_error("clone3");
  if (pid == 0) {
    // The write end of `go` must be the supervisor's alone: its death is then an end of file here.
    container.go.reset();
    container.report.reset();
    const FirstProcess ends = {go_read.get(), report_write.get(), {output_write[0].get(), output_write[1].get()}, input.get(),
                               v1_tasks, plan.cgroup.v1.count};
    run_first_process(plan, ends);
  }
  container.pid = static_cast<pid_t>(pid);
  container.pidfd.reset(pidfd);
  return container;
}

Result<void> write_id_map(int process, const char* file, const launch::List<launch::IdMap>& maps) {
  char text[4096];
  size_t used = 0;
  for (const auto& map : maps) {
    used += static_cast<size_t>(snprintf(text + used, sizeof text - used, "%u %u %u\n", map.inside, map.outside, map.count));
    if (used >= sizeof text) return sys::Error{E2BIG, "write"};
  }
  BERTH_ASSIGN(const Fd fd, sys::adopt(openat(process, file, O_WRONLY | O_CLOEXEC), "openat"));
  if (write(fd.get(), text, used) != static_cast<ssize_t>(used)) return sys::last_error("write");
  return {};
}

/// Writes the id maps of the new user namespace and opens it; none when the container shares the host's.
Result<Fd> map_ids(const Plan& plan, const Container& container, Progress& progress) {
  if ((plan.namespaces & sys::kernel::kCloneNewUser) == 0) return Fd();
  progress.at("idmap");
  char path[32];
  snprintf(path, sizeof path, "/proc/%d", container.pid);
  BERTH_ASSIGN(const Fd process, sys::adopt(open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), "open"));
  BERTH_TRY(write_id_map(process.get(), "uid_map", plan.uids));
  BERTH_TRY(write_id_map(process.get(), "gid_map", plan.gids));
  return sys::adopt(openat(process.get(), "ns/user", O_RDONLY | O_CLOEXEC), "openat");
}

/// Waits until the program runs (end of file) or has failed to (a Failure). False: `failure` says why.
bool await_program(const Container& container, Failure& failure) {
  const ssize_t length = sys::retry_interrupted([&] { return read(container.report.get(), &failure, sizeof failure); });
  if (length == 0) {
    // Also what is read when the first process was killed before it could say anything.
    siginfo_t info = {};
    if (waitid(P_PID, static_cast<id_t>(container.pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0 &&
        info.si_code == CLD_EXITED && info.si_status == 2) {
      snprintf(failure.step, sizeof failure.step, "start");
      return false;
    }
    return true;
  }
  return length < 0;
}

/// Lets go of the host's mounts, so that none is kept busy by a container. The container keeps its own.
Result<void> leave_host_tree() {
  BERTH_TRY(check(umount2("rootfs", MNT_DETACH), "umount2"));
  BERTH_TRY(check(static_cast<int>(sys::kernel::pivot_root(".", ".")), "pivot_root"));
  return check(umount2(".", MNT_DETACH), "umount2");
}

Result<Container> launch(const Plan& plan, Ending& ending, Failure& failure, bool& runs, Progress& progress) {
  progress.at("state");
  BERTH_TRY(ending.prepare(plan, &progress.subject));
  BERTH_TRY(stand_alone(plan, progress));
  BERTH_TRY(make_stage(plan, progress));
  BERTH_ASSIGN(Container container, begin(plan, progress));
  const auto rest = [&]() -> Result<void> {
    BERTH_ASSIGN(const Fd userns, map_ids(plan, container, progress));
    BERTH_TRY(build_root_tree(plan, userns ? userns.get() : -1, progress));
    progress.at("tree");
    if (write(container.go.get(), "g", 1) != 1 && errno != EPIPE) return sys::last_error("write");
    return {};
  };
  if (auto outcome = rest(); !outcome) {
    failure = describe(progress, outcome.error());
  } else {
    runs = await_program(container, failure);
  }
  if (!runs) {
    sys::kernel::pidfd_send_signal(container.pidfd.get(), SIGKILL);
    sys::retry_interrupted([&] { return waitpid(container.pid, nullptr, 0); });
  }
  container.go.reset();
  container.report.reset();
  return container;
}

const char* read_boot_id(char (&text)[40]) {
  const Fd file(open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
  const ssize_t length = file ? read(file.get(), text, 36) : -1;
  text[length > 0 ? length : 0] = '\0';
  return text;
}

/// Watches the container until it has ended and its output is delivered. SIGTERM and the like are the container's: a supervisor has nothing else to end.
void watch(const Container& container, Control& control, Output* const (&outputs)[2], const Fd& signals) {
  bool ended = false;
  while (!ended || outputs[0]->open() || outputs[1]->open()) {
    pollfd fds[Control::kMostClients + 8];
    int count = 0;
    const int task = count;
    fds[count++] = {ended ? -1 : container.pidfd.get(), POLLIN, 0};
    fds[count++] = {signals.get(), POLLIN, 0};
    for (const Output* output : outputs) {
      fds[count++] = {output->pipe(), POLLIN, 0};
      fds[count++] = {output->client(), POLLOUT, 0};
    }
    const int first_control = count;
    control.poll_for(fds, count);
    // After the end only a client that is slow to read is waited for; a pipe that descendants hold open is not.
    const bool client_owes = outputs[0]->client() >= 0 || outputs[1]->client() >= 0;
    const int timeout = ended && !client_owes ? 0 : -1;
    if (sys::retry_interrupted([&] { return poll(fds, static_cast<nfds_t>(count), timeout); }) < 0) return;
    control.serve(fds + first_control, count - first_control);
    signalfd_siginfo info;
    if (fds[task + 1].revents != 0 && read(signals.get(), &info, sizeof info) == sizeof info) {
      sys::kernel::pidfd_send_signal(container.pidfd.get(), static_cast<int>(info.ssi_signo));
    }
    if (!control.leash_held()) {
      for (Output* output : outputs) output->detach_client();
    }
    if (fds[task].revents != 0) {
      ended = true;
      for (Output* output : outputs) output->end();
    }
    for (Output* output : outputs) output->move();
  }
}

ExitStatus collect(const Container& container) {
  int status = 0;
  sys::retry_interrupted([&] { return waitpid(container.pid, &status, 0); });
  ExitStatus exit;
  exit.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  exit.status = WIFSIGNALED(status) ? 128 + exit.signal : WEXITSTATUS(status);
  return exit;
}

/// JSON string content: what a path or command may hold and a line of text may not.
void escape(char* to, size_t size, const char* from) {
  size_t used = 0;
  for (; *from != '\0' && used + 7 < size; ++from) {
    const auto c = static_cast<unsigned char>(*from);
    if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f) {
      used += static_cast<size_t>(snprintf(to + used, size - used, "\\u%04x", c));
    } else {
      to[used++] = *from;
    }
  }
  to[used] = '\0';
}

int fail(Ending& ending, Control& control, const Failure& failure) {
  const auto cgroups = ending.remove_cgroups();
  const auto removed = ending.state() >= 0 ? ending.remove_container() : Result<void>();
  char subject[640], line[768];
  escape(subject, sizeof subject, failure.subject);
  const int cleanup = !cgroups ? cgroups.error().number : !removed ? removed.error().number : 0;
  snprintf(line, sizeof line, "failed {\"step\":\"%s\",\"errno\":%d,\"syscall\":\"%s\",\"subject\":\"%s\",\"cleanup_errno\":%d}", failure.step,
           failure.number, failure.call, subject, cleanup);
  control.announce_exit(line);
  return 1;
}

}  // namespace

int supervise(const Plan& plan) {
  sigset_t mask;
  sigfillset(&mask);
  sigprocmask(SIG_SETMASK, &mask, nullptr);
  signal(SIGPIPE, SIG_IGN);

  Progress progress;
  Ending ending;
  Failure failure;
  bool runs = false;
  auto launched = launch(plan, ending, failure, runs, progress);
  if (!launched) {
    Control control(Fd(launch::kLeashFd), -1);
    return fail(ending, control, describe(progress, launched.error()));
  }
  Container& container = *launched;
  static Control control(Fd(launch::kLeashFd), container.pidfd.get());
  if (!runs) return fail(ending, control, failure);

  log_writer.configure(ending.logs(), plan.logs);
  static Output out(Stream::kStdout, std::move(container.output[0]), ClientEnd(1), log_writer);
  static Output err(Stream::kStderr, std::move(container.output[1]), ClientEnd(2), log_writer);

  char boot_id[40];
  const auto record = [&]() -> Result<void> {
    progress.at("record");
    BERTH_ASSIGN(const Fd proc, sys::adopt(open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC), "open"));
    ProcessName self = {getpid(), 0}, task = {container.pid, 0};
    BERTH_ASSIGN(self.start_time, sys::start_time(proc.get(), self.pid));
    BERTH_ASSIGN(task.start_time, sys::start_time(proc.get(), task.pid));
    BERTH_TRY(control.listen(ending.state()));
    BERTH_TRY(write_state(ending.state(), self, task, read_boot_id(boot_id)));
    BERTH_TRY(leave_host_tree());
    return {};
  };
  if (auto outcome = record(); !outcome) {
    sys::kernel::pidfd_send_signal(container.pidfd.get(), SIGKILL);
    collect(container);
    return fail(ending, control, describe(progress, outcome.error()));
  }
  char running[48];
  snprintf(running, sizeof running, "running %d", container.pid);
  control.set_status(running);

  sigset_t forwarded;
  sigemptyset(&forwarded);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT}) sigaddset(&forwarded, number);
  const Fd signals(signalfd(-1, &forwarded, SFD_CLOEXEC | SFD_NONBLOCK));
  Output* const outputs[2] = {&out, &err};
  watch(container, control, outputs, signals);

  ExitStatus exit = collect(container);
  constexpr int kDiskPatience = 2000;
  log_writer.finish(kDiskPatience);
  exit.oom_killed = ending.oom_killed();
  exit.log_bytes_dropped = log_writer.dropped();
  char text[256], line[288];
  format_exit(text, exit);
  snprintf(line, sizeof line, "exited %s", text);
  const auto recorded = plan.remove_when_done ? Result<void>() : write_exit(ending.state(), text);
  const auto cgroups = ending.remove_cgroups();
  const auto removed = plan.remove_when_done ? ending.remove_container() : Result<void>();
  control.announce_exit(line);
  return recorded && cgroups && removed ? 0 : 1;
}

}  // namespace berth::init
