#include "sys/sampler_members.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "sys/proc_fields.h"
#include "sys/process.h"

namespace berth::sys {
namespace {

bool is_gone(const Error& error) {
  return error.number == ENOENT || error.number == ENODEV || error.number == ESRCH;
}

Result<void> add_cgroup(int directory, ProcText& text, std::vector<pid_t>& pids) {
  auto list = text.read_list(directory, "cgroup.procs");
  if (list) {
    std::string_view rest = *list;
    while (const auto pid = next_number(rest)) {
      // 0 stands for a process of a pid namespace that this procfs does not show.
      if (*pid != 0) pids.push_back(static_cast<pid_t>(*pid));
    }
  } else if (list.error().number != EOPNOTSUPP && !is_gone(list.error())) {
    // EOPNOTSUPP: a threaded cgroup, whose processes the domain above has listed (cgroup-v2.rst,
    // Threads).
    return list.error();
  }
  auto children = folder_names(directory);
  if (!children) {
    // Removed since it was opened: nothing is in it.
    if (is_gone(children.error())) return {};
    return children.error();
  }
  for (const auto& name : *children) {
    auto child = open_folder(directory, name.c_str());
    if (child) {
      BERTH_TRY(add_cgroup(child->get(), text, pids));
    } else if (!is_gone(child.error())) {
      return child.error();
    }
  }
  return {};
}

std::optional<ino_t> pid_namespace(int proc, pid_t pid) {
  char path[32];
  snprintf(path, sizeof path, "%d/ns/pid", pid);
  struct stat about;
  if (fstatat(proc, path, &about, 0) != 0) return {};
  return about.st_ino;
}

std::optional<pid_t> parent_of(int proc, pid_t pid, ProcText& text) {
  char path[32];
  snprintf(path, sizeof path, "%d/stat", pid);
  auto found = text.read(proc, path);
  const auto fields = found ? parse_stat(*found) : std::nullopt;
  return fields ? std::optional(fields->parent) : std::nullopt;
}

/// A task's namespace, its children's namespaces, and, where the task shares this program's own
/// namespace, its descendants.
Result<std::vector<pid_t>> namespace_members(int proc, const SampledTask& task, ProcText& text) {
  auto started = start_time(proc, task.pid);
  const auto target = pid_namespace(proc, task.pid);
  if (!started || *started != task.started || !target) return std::vector<pid_t>{};
  const bool shared = target == pid_namespace(proc, getpid());

  BERTH_ASSIGN(const auto everything, numbered_entries(proc));
  std::unordered_map<pid_t, std::vector<pid_t>> children;
  std::vector<pid_t> found{task.pid};
  for (const pid_t pid : everything) {
    if (const auto parent = parent_of(proc, pid, text)) children[*parent].push_back(pid);
    if (!shared && pid != task.pid && pid_namespace(proc, pid) == target) found.push_back(pid);
  }
  std::unordered_set<pid_t> known(found.begin(), found.end());
  for (size_t next = 0; next < found.size(); ++next) {
    for (const pid_t child : children[found[next]]) {
      if (known.insert(child).second) found.push_back(child);
    }
  }
  return found;
}

}  // namespace

Result<std::vector<pid_t>> members(int proc, const SampledTask& task, ProcText& text) {
  std::vector<pid_t> pids;
  if (!task.procs.empty()) {
    auto directory = open_folder(AT_FDCWD, task.procs.c_str());
    if (directory) {
      BERTH_TRY(add_cgroup(directory->get(), text, pids));
    } else if (!is_gone(directory.error())) {
      return directory.error();
    }
  } else if (task.pid > 0) {
    BERTH_ASSIGN(pids, namespace_members(proc, task, text));
  }
  // A process that moves while the tree is read may be met twice.
  std::sort(pids.begin(), pids.end());
  pids.erase(std::unique(pids.begin(), pids.end()), pids.end());
  return pids;
}

}  // namespace berth::sys
