#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "launch/cgroup.h"
#include "launch/cgroup_files.h"
#include "launch/delegation.h"

namespace berth::launch {
namespace {

using sys::Fd;

/// What one file is to be, and how to bring it back.
struct Change {
  std::string path;  // of the cgroup
  Setting setting;
  std::vector<std::pair<std::string, std::string>> back;  // file and content
};

std::string first_word(const std::string& line) { return line.substr(0, line.find(' ')); }

/// What to write to have a file again as it is now, where `value` is about to be written. Files that hold a line for each disk or interface get the
/// line of that one, or what takes its line away.
std::string restoring(const std::string& file, const std::string& value, const std::string& now) {
  constexpr std::string_view kOomKiller = "oom_kill_disable ";
  if (now.starts_with(kOomKiller)) return now.substr(kOomKiller.size(), 1);
  const std::string key = first_word(value);
  const bool by_key = value.find(' ') != std::string::npos && file != "cpu.max";
  if (!by_key) return now;
  std::istringstream lines(now);
  for (std::string line; std::getline(lines, line);) {
    if (first_word(line) == key) return line;
  }
  if (file == "io.max") return key + " rbps=max wbps=max riops=max wiops=max";
  return key + (file.ends_with("weight") ? " default" : " 0");
}

void remember(int directory, Change& change) {
  const auto add = [&](const std::string& file, const std::string& value) {
    auto now = file.empty() ? sys::Result<std::string>(std::string()) : read_value(directory, file);
    if (file.empty() || !now) return;
    std::istringstream lines(value);
    for (std::string line; std::getline(lines, line);)
      change.back.emplace_back(file, restoring(file, line, *now));
  };
  add(change.setting.file, change.setting.value);
  add(change.setting.or_file, change.setting.or_value);
}

std::optional<Failure> put(const Change& change) {
  auto opened = open_cgroup(change.path);
  if (auto* failure = std::get_if<Failure>(&opened)) return *failure;
  return put_setting(std::get<Fd>(opened).get(), change.path, change.setting);
}

/// Some limits are checked against others (memory against memory and swap, quota against burst): what is refused is tried again after the rest.
std::optional<Failure> put_all(const std::vector<Change>& changes) {
  std::vector<const Change*> again;
  for (const Change& change : changes) {
    if (put(change)) again.push_back(&change);
  }
  for (const Change* change : again) {
    if (auto failure = put(*change)) return failure;
  }
  return {};
}

void take_back(const std::vector<Change>& changes) {
  for (int pass = 0; pass < 2; ++pass) {
    for (auto change = changes.rbegin(); change != changes.rend(); ++change) {
      auto opened = open_cgroup(change->path);
      if (std::holds_alternative<Failure>(opened)) continue;
      for (const auto& old : change->back)
        (void)write_value(std::get<Fd>(opened).get(), old.first, old.second);
    }
  }
}

/// On v2 a limit below what is in use kills at once (cgroup-v2.rst, memory.max); v1 refuses it. So that both do the latter, what can be given back
/// is asked for first.
std::optional<Failure> make_room(const std::string& path, const Setting& setting, int64_t limit) {
  auto opened = open_cgroup(path);
  if (auto* failure = std::get_if<Failure>(&opened)) return *failure;
  const int directory = std::get<Fd>(opened).get();
  const auto excess = [&]() -> int64_t {
    auto now = read_value(directory, "memory.current");
    return now ? atoll(now->c_str()) - limit : 0;
  };
  constexpr int kTries = 5;
  for (int attempt = 0; attempt < kTries && excess() > 0; ++attempt)
    (void)write_value(directory, "memory.reclaim", std::to_string(excess()));
  if (excess() <= 0) return {};
  Failure failure({EBUSY, "write"},
                  "the container uses " + std::to_string(limit + excess()) +
                      " bytes, and cannot be made to give them back",
                  setting.meaning);
  failure.code = "LIMIT_REFUSED";
  return failure;
}

std::vector<std::string> processes_in(const std::string& cgroup) {
  std::ifstream file(cgroup + "/cgroup.procs");
  std::vector<std::string> found;
  for (std::string pid; file >> pid;) found.push_back(pid);
  return found;
}

/// The v1 cgroup that a process is in, as a directory; `own` is where it is to go, below the same mount.
std::string cgroup_of(const std::string& pid, const std::string& controller,
                      const std::string& own) {
  std::ifstream file("/proc/" + pid + "/cgroup");
  for (std::string line; std::getline(file, line);) {
    const size_t names = line.find(':') + 1, path = line.find(':', names) + 1;
    if (("," + line.substr(names, path - names - 1) + ",").find("," + controller + ",") ==
        std::string::npos)
      continue;
    return parent_of(parent_of(own)) + line.substr(path);
  }
  return parent_of(parent_of(own));
}

/// Moves every process of a container into a hierarchy that it has not joined. Those born meanwhile are where their parents are, so it ends.
std::optional<Failure> join(const std::string& from, const std::string& controller,
                            const std::string& path) {
  constexpr int kRounds = 1000;
  std::vector<std::pair<std::string, std::string>> moved;  // pid, where it was
  auto opened = open_cgroup(path);
  if (auto* failure = std::get_if<Failure>(&opened)) return *failure;
  for (int round = 0; round < kRounds; ++round) {
    auto there = processes_in(path);
    std::sort(there.begin(), there.end());
    bool complete = true;
    for (const std::string& pid : processes_in(from)) {
      if (std::binary_search(there.begin(), there.end(), pid)) continue;
      complete = false;
      const std::string was = cgroup_of(pid, controller, path);
      const auto written = write_value(std::get<Fd>(opened).get(), "cgroup.procs", pid);
      if (written || written.error().number == ESRCH) {
        moved.emplace_back(pid, was);
        continue;
      }
      for (const auto& each : moved) {
        auto former = open_cgroup(each.second);
        if (auto* directory = std::get_if<Fd>(&former))
          (void)write_value(directory->get(), "cgroup.procs", each.first);
      }
      return Failure(written.error(), "cgroup", path + "/cgroup.procs");
    }
    if (complete) return {};
  }
  return Failure({EAGAIN, "write"}, "cgroup", path + "/cgroup.procs");
}

const std::string* place_of(const CgroupPlaces::V1& list, const std::string& controller) {
  for (const auto& place : list) {
    if (place.first == controller) return &place.second;
  }
  return nullptr;
}

/// Where a v1 container's processes are listed.
const std::string& processes_place(const CgroupPlaces& places) {
  return places.unified.empty() && !places.v1.empty() ? places.v1.front().second : places.unified;
}

/// Everything that an update does, so that a failure at any point can be undone.
struct Update {
  std::vector<Change> changes;
  CgroupPlaces::V1 joined;  // made for this update

  std::optional<Failure> prepare(const CgroupPlaces& places, const Limits& after,
                                 const std::vector<Setting>& wanted) {
    if (places.unified_controls) {
      auto passed = pass_controllers_on(parent_of(places.unified), wanted);
      if (auto* failure = std::get_if<Failure>(&passed)) return *failure;
    }
    for (const Setting& setting : wanted) {
      const std::string* path = &places.unified;
      if (!places.unified_controls) path = place_of(places.v1, setting.controller);
      if (path == nullptr) {
        path = place_of(places.later, setting.controller);
        if (path == nullptr)
          return unenforceable(setting, "the host has no " + setting.controller + " controller");
        if (place_of(joined, setting.controller) == nullptr && access(path->c_str(), F_OK) != 0)
          joined.emplace_back(setting.controller, *path);
        if (auto failure = make_v1(setting.controller, *path, after, false)) return failure;
      }
      if (places.unified_controls && setting.file == "memory.max" &&
          after.memory.value_or(-1) > 0) {
        if (auto failure = make_room(*path, setting, *after.memory)) return failure;
      }
      changes.push_back({*path, setting, {}});
      auto opened = open_cgroup(*path);
      if (auto* failure = std::get_if<Failure>(&opened)) return *failure;
      remember(std::get<Fd>(opened).get(), changes.back());
    }
    return {};
  }

  std::optional<Failure> carry_out(const CgroupPlaces& places) {
    if (auto failure = put_all(changes)) return failure;
    // One that an earlier update was cut off at is joined now.
    for (const auto& place : places.later) {
      const bool concerned = std::any_of(changes.begin(), changes.end(), [&](const Change& change) {
        return change.path == place.second;
      });
      if (!concerned) continue;
      if (auto failure = join(processes_place(places), place.first, place.second)) return failure;
    }
    return {};
  }

  void undo() {
    take_back(changes);
    for (const auto& place : joined) rmdir(place.second.c_str());
  }
};

}  // namespace

std::variant<std::monostate, Failure> update_cgroups(const CgroupPlaces& places,
                                                     const Limits& before, const Limits& after) {
  const auto settings = [&](const Limits& limits) {
    return places.unified_controls ? v2_settings(limits) : v1_settings(limits);
  };
  const auto known = settings(before);
  std::vector<Setting> wanted;
  for (const Setting& setting : settings(after)) {
    if (!setting.lacking.empty()) return unenforceable(setting, setting.lacking);
    if (std::find(known.begin(), known.end(), setting) == known.end()) wanted.push_back(setting);
  }
  Update update;
  auto failure = update.prepare(places, after, wanted);
  if (!failure) failure = update.carry_out(places);
  if (!failure) return {};
  update.undo();
  return *failure;
}

}  // namespace berth::launch
