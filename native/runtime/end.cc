#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <array>

#include "runtime/cgroup_tree.h"
#include "runtime/hooks.h"
#include "runtime/trouble.h"
#include "runtime/verbs.h"
#include "sys/kernel.h"

namespace berth::runtime {
namespace {

using sys::Fd;

struct SignalName {
  const char* name;
  int number;
};

constexpr SignalName kSignals[] = {
    {"HUP", SIGHUP},     {"INT", SIGINT},   {"QUIT", SIGQUIT},     {"ILL", SIGILL},
    {"TRAP", SIGTRAP},   {"ABRT", SIGABRT}, {"IOT", SIGIOT},       {"BUS", SIGBUS},
    {"FPE", SIGFPE},     {"KILL", SIGKILL}, {"USR1", SIGUSR1},     {"SEGV", SIGSEGV},
    {"USR2", SIGUSR2},   {"PIPE", SIGPIPE}, {"ALRM", SIGALRM},     {"TERM", SIGTERM},
    {"STKFLT", 16},      {"CHLD", SIGCHLD}, {"CONT", SIGCONT},     {"STOP", SIGSTOP},
    {"TSTP", SIGTSTP},   {"TTIN", SIGTTIN}, {"TTOU", SIGTTOU},     {"URG", SIGURG},
    {"XCPU", SIGXCPU},   {"XFSZ", SIGXFSZ}, {"VTALRM", SIGVTALRM}, {"PROF", SIGPROF},
    {"WINCH", SIGWINCH}, {"IO", SIGIO},     {"PWR", SIGPWR},       {"SYS", SIGSYS},
};

/// After SIGKILL; a process that hangs in the kernel may take its time.
void await_end(const Record& record, const std::string& id) {
  constexpr int kPatience = 10000;  // ms
  const Fd process = open_first_process(record);
  if (!process) return;
  pollfd ended = {process.get(), POLLIN, 0};
  if (sys::retry_interrupted([&] { return poll(&ended, 1, kPatience); }) == 0)
    throw Trouble("container `" + id + "` does not end, though it was killed");
}

void kill_everything(const Record& record, const std::string& id) {
  if (const Fd process = open_first_process(record))
    sys::kernel::pidfd_send_signal(process.get(), SIGKILL);
  signal_all(record.cgroups, SIGKILL);
  await_end(record, id);
}

}  // namespace

int signal_number(const std::string& text) {
  constexpr int kLast = 64;  // SIGRTMAX, signal(7)
  if (!text.empty() && text.size() < 4 && std::all_of(text.begin(), text.end(), isdigit)) {
    const int number = std::stoi(text);
    if (number >= 1 && number <= kLast) return number;
  }
  std::string name = text;
  std::transform(name.begin(), name.end(), name.begin(), toupper);
  if (name.starts_with("SIG")) name = name.substr(3);
  for (const auto& row : kSignals) {
    if (name == row.name) return row.number;
  }
  throw Trouble("no such signal: `" + text + "`");
}

Record existing(const ContainerFolder& folder) {
  auto record = folder.read();
  if (!record) throw Trouble("container `" + folder.id() + "` does not exist");
  return std::move(*record);
}

void kill(const ContainerFolder& folder, int signal, bool all) {
  const Record record = existing(folder);
  if (all) return signal_all(record.cgroups, signal);
  const Fd process = open_first_process(record);
  if (!process) throw Trouble("container `" + folder.id() + "` is not running");
  if (sys::kernel::pidfd_send_signal(process.get(), signal) != 0)
    fail("container `" + folder.id() + "`", sys::last_error("pidfd_send_signal"));
  // v1's frozen processes die when they thaw; v2's at once.
  if (signal == SIGKILL && record.cgroups.unified.empty() && is_frozen(record.cgroups))
    set_frozen(record.cgroups, false);
}

void remove(const ContainerFolder& folder, bool force) {
  if (force && !folder.read()) return;
  const Fd lock = folder.lock();
  const Record record = existing(folder);
  if (open_first_process(record)) {
    if (!force)
      throw Trouble("container `" + folder.id() + "` is not stopped: kill it, or give --force");
    kill_everything(record, folder.id());
  }
  // Without a pid namespace of its own others may have outlived the first process.
  if (!members(record.cgroups).empty()) signal_all(record.cgroups, SIGKILL);
  remove_tree(record.cgroups);
  if (record.has_hooks)
    run_kept_hooks(folder.config(), "poststop", state_text(record, "stopped"), true);
  folder.remove();
}

}  // namespace berth::runtime
