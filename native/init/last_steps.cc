#include "init/last_steps.h"

#include <grp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cstring>

#include "init/identity.h"
#include "init/program.h"
#include "init/reaper.h"
#include "init/terminal.h"
#include "launch/handover.h"
#include "sys/capability.h"
#include "sys/defence.h"
#include "sys/fd.h"
#include "sys/kernel.h"
#include "sys/text.h"

namespace berth::init {
namespace {

using launch::Plan;
using sys::Result;

constexpr gid_t kSame = static_cast<gid_t>(-1);

Result<void> check(int outcome, const char* call) {
  if (outcome != 0) return sys::last_error(call);
  return {};
}

// The calls themselves: a C library's would first gather all threads of a process (setresuid(2), notes), and here there is one.
Result<void> set_user(uid_t id) {
  return check(static_cast<int>(syscall(SYS_setresuid, id, id, id)), "setresuid");
}
Result<void> set_group(gid_t id) {
  return check(static_cast<int>(syscall(SYS_setresgid, id, id, id)), "setresgid");
}
Result<void> set_groups(size_t count, const gid_t* groups) {
  if (!sys::holds("supplementary-groups")) return {};
  return check(static_cast<int>(syscall(SYS_setgroups, count, groups)), "setgroups");
}

Result<void> set_limits(const Plan& plan, Progress& progress) {
  for (const auto& limit : plan.process.limits) {
    progress.at("limits", limit.name);
    const rlimit value = {limit.soft, limit.hard};
    BERTH_TRY(check(setrlimit(static_cast<int>(limit.resource), &value), "setrlimit"));
  }
  return {};
}

/// chdir, then a look at where that led: a directory outside the root shows as `(unreachable)…` or has no name at all (CVE-2024-21626).
Result<void> enter_working_directory(const char* path) {
  BERTH_TRY(check(chdir(path), "chdir"));
  char where[4096];
  if (syscall(SYS_getcwd, where, sizeof where) < 0) return sys::last_error("getcwd");
  if (where[0] != '/' && sys::holds("inside-directory")) return sys::Error{EXDEV, "chdir"};
  return {};
}

/// The terminal is made here, inside, and its master handed out: nobody outside ever looks for it in the container's tree.
Result<void> open_terminal(const Plan& plan, ProgramEnds& ends, bool console) {
  BERTH_ASSIGN(const sys::Fd root, sys::adopt(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), "open"));
  BERTH_ASSIGN(Terminal terminal,
               make_terminal(root.get(), plan.process.rows, plan.process.columns));
  if (console) BERTH_TRY(attach_console(root.get(), terminal.program.get()));
  iovec part = {const_cast<char*>(&kTerminal), 1};
  alignas(cmsghdr) char ancillary[CMSG_SPACE(sizeof(int))] = {};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = ancillary;
  message.msg_controllen = sizeof ancillary;
  cmsghdr* head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(sizeof(int));
  const int master = terminal.master.get();
  memcpy(CMSG_DATA(head), &master, sizeof master);
  if (sendmsg(ends.report, &message, MSG_NOSIGNAL) != 1) return sys::last_error("sendmsg");
  const int program = terminal.program.release();
  for (int& end : ends.stdio) end = program;
  return {};
}

/// So that a program that is not root may reopen its streams too, by way of /dev/stdout. A terminal keeps its group, which is all that others may write by.
Result<void> own_stdio(const Plan& plan, const ProgramEnds& ends, const Identity& identity) {
  // A caller's own descriptors stay the caller's; the terminal is ours.
  if (plan.handover.wanted)
    return plan.handover.terminal ? check(fchown(0, identity.uid, kSame), "fchown")
                                  : Result<void>();
  if (plan.process.terminal) return check(fchown(ends.stdio[0], identity.uid, kSame), "fchown");
  if (plan.input) BERTH_TRY(check(fchown(ends.stdio[0], identity.uid, identity.gid), "fchown"));
  for (const int end : {ends.stdio[1], ends.stdio[2]})
    BERTH_TRY(check(fchown(end, identity.uid, identity.gid), "fchown"));
  return {};
}

}  // namespace

Result<void> die_with_supervisor(const Plan& plan) {
  if (plan.handover.wanted) return {};  // it has none
  return check(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0), "prctl");
}

Result<void> join_v1_cgroups(const ProgramEnds& ends) {
  for (uint32_t i = 0; i < ends.v1_count; ++i) {
    // `tasks` and not cgroup.procs: a thread that moves itself need not wait for every other thread group of the host (Linux 5.19;
    // cgroup.procs costs milliseconds after a pause).
    if (write(ends.v1_tasks[i], "0", 1) != 1) return sys::last_error("write");
  }
  return {};
}

Result<void> become_root_inside(const Plan& plan) {
  BERTH_TRY(set_group(0));
  BERTH_TRY(set_groups(0, nullptr));
  BERTH_TRY(set_user(0));
  return die_with_supervisor(plan);
}

Result<void> take_ids(const Plan& plan, const Identity& identity, Progress& progress) {
  progress.at("capabilities");
  BERTH_TRY(sys::limit_bounding(plan.process.capabilities.bounding));
  // EINVAL here: the container's user namespace has no such id.
  progress.at("user", plan.process.user);
  BERTH_TRY(set_groups(identity.group_count, identity.groups));
  BERTH_TRY(set_group(identity.gid));
  BERTH_TRY(check(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), "prctl"));
  BERTH_TRY(set_user(identity.uid));
  return check(prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0), "prctl");
}

Result<void> take_capabilities(const Plan& plan, const launch::Capabilities& wanted,
                               Progress& progress) {
  progress.at("capabilities");
  const uint64_t inheritable =
      sys::holds("inheritable-capabilities") ? wanted.inheritable : wanted.bounding;
  BERTH_TRY(sys::set_capabilities({wanted.effective, wanted.permitted, inheritable}));
  BERTH_TRY(sys::set_ambient(wanted.ambient));
  return die_with_supervisor(plan);
}

Result<void> gain_nothing_more(const Plan& plan) {
  if (!plan.process.no_new_privileges || !sys::holds("no-new-privileges")) return {};
  return check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl");
}

Result<void> filter_system_calls(const Plan& plan) {
  if (plan.seccomp.count == 0 || !sys::holds("system-call-filter")) return {};
  static_assert(sizeof(sys::kernel::SockFilter) == sizeof(uint64_t));
  const sys::kernel::SockFprog program = {
      static_cast<uint16_t>(plan.seccomp.count),
      reinterpret_cast<const sys::kernel::SockFilter*>(plan.seccomp.items)};
  if (sys::kernel::seccomp(sys::kernel::kSeccompSetModeFilter, 0, &program) != 0)
    return sys::last_error("seccomp");
  return {};
}

Result<void> hand_over_stdio(const Plan& plan, const ProgramEnds& ends) {
  if (plan.process.terminal && !plan.handover.wanted)
    BERTH_TRY(check(ioctl(ends.stdio[0], TIOCSCTTY, 0), "ioctl"));
  for (int number = 0; number < 3 && !plan.handover.wanted; ++number) {
    if (dup2(ends.stdio[number], number) < 0) return sys::last_error("dup2");
  }
  if (sys::holds("closed-descriptors") &&
      sys::kernel::close_range(3 + plan.handover.preserved, ~0U, sys::kernel::kCloseRangeCloexec) !=
          0)
    return sys::last_error("close_range");
  // What was ignored stays ignored across clone and exec (signal(7)): SIGPIPE is, by Node and by the supervisor. Those that cannot be set need not be.
  for (int number = 1; number < NSIG; ++number) (void)signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  return check(sigprocmask(SIG_SETMASK, &none, nullptr), "sigprocmask");
}

Result<void> prepare_program(const Plan& plan, ProgramEnds& ends, bool console, Identity& identity,
                             Progress& progress) {
  progress.at("keyring");
  // A host without CONFIG_KEYS has nothing to share by accident.
  if (sys::kernel::join_session_keyring() < 0 && errno != ENOSYS) return sys::last_error("keyctl");
  if (plan.process.terminal && !plan.handover.wanted) {
    progress.at("terminal");
    BERTH_TRY(open_terminal(plan, ends, console));
  }
  progress.at("user", plan.process.user);
  BERTH_TRY(find_identity(plan.process, identity, progress));
  BERTH_TRY(own_stdio(plan, ends, identity));
  // Where the container has users of its own, raising a limit takes more rights than this process has: whoever hands it over does it then.
  if (!plan.handover.wanted || (plan.namespaces & sys::kernel::kCloneNewUser) == 0)
    BERTH_TRY(set_limits(plan, progress));
  umask(plan.process.umask);
  progress.at("cwd", plan.process.cwd);
  return enter_working_directory(plan.process.cwd);
}

namespace {

/// Without no_new_privs a filter takes CAP_SYS_ADMIN (seccomp(2)): it is kept until then, beside what the program is to have.
bool keeps_filter_right(const Plan& plan) {
  return !plan.process.no_new_privileges && plan.seccomp.count > 0;
}

Result<void> take_capabilities_but_for_filter(const Plan& plan, Progress& progress) {
  constexpr uint64_t kSysAdmin = uint64_t{1} << 21;  // capability.h of the kernel
  launch::Capabilities wanted = plan.process.capabilities;
  if (keeps_filter_right(plan)) {
    wanted.effective |= kSysAdmin;
    wanted.permitted |= kSysAdmin;
  }
  return take_capabilities(plan, wanted, progress);
}

/// The last of what confines the program. What comes after the filter is subject to it.
Result<void> filter_and_take_capabilities(const Plan& plan, Progress& progress) {
  progress.at("seccomp");
  BERTH_TRY(filter_system_calls(plan));
  if (!keeps_filter_right(plan)) return {};
  return take_capabilities(plan, plan.process.capabilities, progress);
}

/// What a first process that stays is still to become.
struct Later {
  const Plan& plan;
  const Identity& identity;
};

launch::Process process_of(const Plan& plan, Turn turn) {
  launch::Process process = plan.process;
  if (turn == Turn::kBefore) process.args = plan.process.before;
  if (turn == Turn::kAfter) process.args = plan.process.after;
  return process;
}

/// Nobody listens on the launch any more: what goes wrong is told where the program would tell it.
void become_later(const void* context, Turn turn) {
  const auto& later = *static_cast<const Later*>(context);
  const launch::Process process = process_of(later.plan, turn);
  Progress progress;
  sys::Error error = {0, "execve"};
  if (auto confined = filter_and_take_capabilities(later.plan, progress); !confined)
    error = confined.error();
  else
    error = run_program(process, later.identity, progress);
  const bool missing = error.number == ENOENT;
  const sys::Text<512> line("berth: command ", process.args.items[0],
                            missing ? ": not found\n" : ": cannot be executed\n");
  (void)!write(2, line.c_str(), strlen(line.c_str()));
  _exit(missing ? 127 : 126);
}

}  // namespace

Result<void> become_program(const Plan& plan, const ProgramEnds& ends, const Identity& identity,
                            Progress& progress) {
  BERTH_TRY(take_ids(plan, identity, progress));
  BERTH_TRY(take_capabilities_but_for_filter(plan, progress));
  progress.at("stdio");
  BERTH_TRY(hand_over_stdio(plan, ends));
  BERTH_TRY(gain_nothing_more(plan));
  const Later later{plan, identity};
  const Companions companions{plan.process.before.count > 0, plan.process.after.count > 0,
                              become_later, &later};
  if (plan.process.init || companions.before || companions.after) {
    progress.at("init");
    BERTH_TRY(leave_reaper_behind(companions));
  }
  BERTH_TRY(filter_and_take_capabilities(plan, progress));
  const launch::Process first =
      process_of(plan, companions.before ? Turn::kBefore : Turn::kProgram);
  progress.at("exec", first.args.items[0]);
  if (write(ends.report, &launch::kAboutToExecute, 1) != 1) return sys::last_error("write");
  return run_program(first, identity, progress);
}

}  // namespace berth::init
