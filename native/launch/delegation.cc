#include "launch/delegation.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>

#include "sys/fd.h"
#include "sys/proc_file.h"

namespace berth::launch {
namespace {

using sys::Fd;
using sys::Result;

/// What every container is limited or measured with.
constexpr const char* kControllers[] = {"cpu", "memory", "pids", "io", "cpuset"};

/// Those, and what the settings need besides.
std::vector<std::string> wanted_for(const std::vector<Setting>& settings) {
  std::vector<std::string> wanted(std::begin(kControllers), std::end(kControllers));
  for (const Setting& setting : settings) {
    if (!setting.controller.empty() &&
        std::find(wanted.begin(), wanted.end(), setting.controller) == wanted.end())
      wanted.push_back(setting.controller);
  }
  return wanted;
}

/// Is the word in a list that the kernel separates with blanks?
bool lists(const std::string& list, const std::string& word) {
  const std::string padded = " " + list.substr(0, list.find('\n')) + " ";
  return padded.find(" " + word + " ") != std::string::npos;
}

Result<std::string> read_list(int level, const char* file) {
  sys::ProcText text;
  BERTH_ASSIGN(const std::string_view words, text.read(level, file));
  return std::string(words);
}

Result<void> switch_on(int level, const std::string& controller) {
  BERTH_ASSIGN(const Fd file,
               sys::adopt(openat(level, "cgroup.subtree_control", O_WRONLY | O_CLOEXEC), "openat"));
  const std::string word = "+" + controller;
  if (write(file.get(), word.data(), word.size()) != static_cast<ssize_t>(word.size()))
    return sys::last_error("write");
  return {};
}

/// Do processes live in it, and is it not the root of the hierarchy, which alone may have them beside children with controllers? The kernel would still
/// switch on cpu, cpuset and pids, but make the cgroup a threaded domain, whose children take no process (cgroup-v2.rst, "Threads").
Result<bool> is_crowded(int level) {
  sys::ProcText text;
  if (const auto type = text.read(level, "cgroup.type"); !type) {
    if (type.error().number == ENOENT) return false;
    return type.error();
  }
  BERTH_ASSIGN(const std::string_view pids, text.read_list(level, "cgroup.procs"));
  return !pids.empty();
}

Failure withheld(const Setting& setting, const std::string& level, int number) {
  const std::string& name = setting.controller;
  switch (number) {
    case ENODEV:  // not in cgroup.controllers
      return unenforceable(setting, "the " + name + " controller is not delegated to " + level,
                           "Run berth on the host itself, or give it a cgroup that has " + name +
                               " in its cgroup.controllers (for a systemd unit: Delegate=yes).");
    case EBUSY:
      return unenforceable(
          setting,
          "processes live in " + level +
              " itself, so that the kernel passes no controller on to its children",
          "Run berth on the host itself, or move them to a cgroup of their own: mkdir " + level +
              "/init, and write each line of " + level + "/cgroup.procs to " + level +
              "/init/cgroup.procs.");
    default:
      return unenforceable(setting,
                           "the " + name + " controller cannot be switched on in " + level + " (" +
                               strerrorname_np(number) + ")",
                           "Run berth as root, with the cgroup hierarchy mounted read-write.");
  }
}

std::variant<std::monostate, Failure> pass_on(const std::string& path,
                                              const std::vector<Setting>& settings) {
  const Fd level(open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!level) return Failure(sys::last_error("open"), "cgroup", path);
  auto on = read_list(level.get(), "cgroup.subtree_control");
  if (!on) return Failure(on.error(), "cgroup", path);
  std::string there;
  bool crowded = false;
  for (const std::string& name : wanted_for(settings)) {
    if (lists(*on, name)) continue;
    if (there.empty()) {
      auto list = read_list(level.get(), "cgroup.controllers");
      if (!list) return Failure(list.error(), "cgroup", path);
      there = std::move(*list);
      auto found = is_crowded(level.get());
      if (!found) return Failure(found.error(), "cgroup", path);
      crowded = *found;
    }
    int number = ENODEV;
    if (lists(there, name) && crowded) {
      number = EBUSY;
    } else if (lists(there, name)) {
      const auto done = switch_on(level.get(), name);
      if (done) continue;
      number = done.error().number;
    }
    const auto needs = std::find_if(settings.begin(), settings.end(),
                                    [&](const Setting& each) { return each.controller == name; });
    if (needs != settings.end()) return withheld(*needs, path, number);
  }
  return {};
}

}  // namespace

Failure unenforceable(const Setting& setting, const std::string& why, const std::string& hint) {
  Failure failure;
  failure.code = "LIMIT_UNENFORCEABLE";
  failure.path = setting.meaning;
  failure.step = why;
  failure.hint = hint.empty() ? "See berth doctor for the controllers of this host." : hint;
  return failure;
}

std::variant<std::monostate, Failure> pass_controllers_on(const std::string& parent,
                                                          const std::vector<Setting>& settings) {
  for (const std::string& level : {parent.substr(0, parent.rfind('/')), parent}) {
    auto outcome = pass_on(level, settings);
    if (outcome.index() != 0) return outcome;
  }
  return {};
}

}  // namespace berth::launch
