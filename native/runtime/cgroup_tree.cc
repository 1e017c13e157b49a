#include "runtime/cgroup_tree.h"

#include <signal.h>
#include <sys/stat.h>
#include <time.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "runtime/trouble.h"
#include "sys/fd.h"
#include "sys/kernel.h"

namespace berth::runtime {
namespace {

namespace fs = std::filesystem;
using sys::Fd;

constexpr timespec kMoment = {0, 2000000};
constexpr int kPatience = 5000;  // moments: ten seconds

/// False: the file is not there, or refuses. Never makes one: a path that is no cgroup must not become a file.
bool write_file(const std::string& path, const std::string& text) {
  const Fd file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return file && write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The directories of one container, each once.
std::vector<std::string> directories(const launch::CgroupPlaces& places) {
  std::vector<std::string> list;
  if (!places.unified.empty()) list.push_back(places.unified);
  for (const auto& [controller, path] : places.v1) {
    if (std::find(list.begin(), list.end(), path) == list.end()) list.push_back(path);
  }
  return list;
}

/// A directory and those below it, the deepest first.
std::vector<std::string> with_children(const std::string& path) {
  std::vector<std::string> list;
  std::error_code gone;
  for (auto entry = fs::recursive_directory_iterator(path, gone);
       !gone && entry != fs::recursive_directory_iterator(); entry.increment(gone)) {
    if (entry->is_directory(gone)) list.push_back(entry->path());
  }
  std::reverse(list.begin(), list.end());
  list.push_back(path);
  return list;
}

void make_path(const std::string& mount, const std::string& leaf) {
  for (size_t slash = leaf.find('/', mount.size() + 1); slash != std::string::npos;
       slash = leaf.find('/', slash + 1)) {
    const std::string level = leaf.substr(0, slash);
    if (mkdir(level.c_str(), 0755) != 0 && errno != EEXIST)
      fail("cgroup " + level, sys::last_error("mkdir"));
  }
}

void hand_controllers_down(const std::string& mount, const std::string& leaf) {
  std::string wanted;
  for (const char* name : {"cpuset", "cpu", "io", "memory", "hugetlb", "pids"})
    if (read_file(mount + "/cgroup.controllers").find(name) != std::string::npos)
      wanted += std::string(wanted.empty() ? "+" : " +") + name;
  if (wanted.empty()) return;
  // Where a level refuses, its limits cannot be set below, and the limit that was asked for is then told as such.
  for (size_t slash = mount.size(); slash != std::string::npos; slash = leaf.find('/', slash + 1))
    (void)write_file(leaf.substr(0, slash) + "/cgroup.subtree_control", wanted);
}

std::string freezer_of(const launch::CgroupPlaces& places) {
  for (const auto& [controller, path] : places.v1) {
    if (controller == "freezer") return path + "/freezer.state";
  }
  return "";
}

}  // namespace

void make_parents(const CgroupLayout& layout, const launch::CgroupPlaces& places) {
  if (!places.unified.empty()) {
    make_path(layout.unified, places.unified);
    if (places.unified_controls) hand_controllers_down(layout.unified, places.unified);
  }
  for (const auto& [controller, path] : places.v1) make_path(layout.v1.at(controller), path);
}

std::vector<pid_t> members(const launch::CgroupPlaces& places) {
  std::vector<pid_t> list;
  const auto all = directories(places);
  if (all.empty()) return list;
  for (const auto& directory : with_children(all.front())) {
    std::ifstream file(directory + "/cgroup.procs");
    for (pid_t pid = 0; file >> pid;) {
      // 0: a process that this pid namespace cannot see.
      if (pid > 0) list.push_back(pid);
    }
  }
  return list;
}

void signal_all(const launch::CgroupPlaces& places, int signal) {
  if (signal == SIGKILL && !places.unified.empty() &&
      write_file(places.unified + "/cgroup.kill", "1"))
    return;
  // Again until nobody new is found: a process may have made another meanwhile.
  std::vector<pid_t> known;
  for (;;) {
    bool found = false;
    for (const pid_t pid : members(places)) {
      if (std::find(known.begin(), known.end(), pid) != known.end()) continue;
      found = true;
      known.push_back(pid);
      const Fd pidfd(static_cast<int>(sys::kernel::pidfd_open(pid, 0)));
      if (pidfd) sys::kernel::pidfd_send_signal(pidfd.get(), signal);
    }
    if (!found) break;
  }
  // v1's frozen processes die when they thaw.
  if (signal == SIGKILL && places.unified.empty() && is_frozen(places)) set_frozen(places, false);
}

bool is_frozen(const launch::CgroupPlaces& places) {
  if (!places.unified.empty())
    return read_file(places.unified + "/cgroup.events").find("frozen 1") != std::string::npos;
  const std::string file = freezer_of(places);
  return !file.empty() && read_file(file).starts_with("FROZEN");
}

void set_frozen(const launch::CgroupPlaces& places, bool frozen) {
  const std::string freezer = freezer_of(places);
  const bool written = !places.unified.empty()
                           ? write_file(places.unified + "/cgroup.freeze", frozen ? "1" : "0")
                           : !freezer.empty() && write_file(freezer, frozen ? "FROZEN" : "THAWED");
  if (!written) throw Trouble("the container's cgroup cannot be frozen or thawed");
  for (int moment = 0; is_frozen(places) != frozen; ++moment) {
    if (moment == kPatience) throw Trouble("the container's cgroup does not freeze or thaw");
    nanosleep(&kMoment, nullptr);
  }
}

void remove_tree(const launch::CgroupPlaces& places) {
  for (const auto& top : directories(places)) {
    for (const auto& directory : with_children(top)) {
      for (int moment = 0; rmdir(directory.c_str()) != 0 && errno != ENOENT; ++moment) {
        if (errno != EBUSY || moment == kPatience)
          fail("cgroup " + directory, sys::last_error("rmdir"));
        nanosleep(&kMoment, nullptr);
      }
    }
  }
}

}  // namespace berth::runtime
