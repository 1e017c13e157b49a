#include "runtime/cgroup_layout.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <set>
#include <sstream>

#include "runtime/trouble.h"

namespace berth::runtime {
namespace {

/// What v1 calls controllers; its other mount options are none.
constexpr std::array<const char*, 13> kControllers = {
    "cpu",  "cpuacct", "cpuset",   "memory",     "devices", "freezer", "blkio",
    "pids", "net_cls", "net_prio", "perf_event", "hugetlb", "rdma"};

/// A container has these whatever its limits: what is read of it comes from them.
constexpr std::array<const char*, 5> kAlways = {"memory", "cpu", "cpuacct", "pids", "devices"};

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

/// Is `place` /sys/fs/cgroup or below? A hierarchy may be mounted again elsewhere.
bool is_usual(const std::string& place) { return (place + "/").starts_with("/sys/fs/cgroup/"); }

void keep(std::string& kept, const std::string& place) {
  if (kept.empty() || (is_usual(place) && !is_usual(kept))) kept = place;
}

void read_mounts(CgroupLayout& layout) {
  std::ifstream file("/proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    // proc(5): ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAG...] - TYPE SOURCE SUPER-OPTIONS
    const size_t dash = line.find(" - cgroup");
    if (dash == std::string::npos) continue;
    const auto front = split(line, ' ');
    const auto back = split(line.substr(dash + 3), ' ');
    if (front.size() < 5 || back.size() < 3) continue;
    if (back[0] == "cgroup2") {
      keep(layout.unified, front[4]);
    } else {
      for (const auto& option : split(back[2], ',')) {
        if (std::find(kControllers.begin(), kControllers.end(), option) != kControllers.end())
          keep(layout.v1[option], front[4]);
      }
    }
  }
}

void read_own(CgroupLayout& layout) {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    // cgroups(7): HIERARCHY:CONTROLLERS:PATH
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string path = line.substr(second + 1);
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (controllers.empty()) layout.own_unified = path;
    for (const auto& name : split(controllers, ',')) layout.own_v1[name] = path;
  }
}

std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

/// Cleaned of doubled and trailing slashes; no component may lead upward.
std::string clean(const std::string& path) {
  std::string result;
  for (const auto& part : split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") throw Trouble("config.json: linux.cgroupsPath: must not contain ..");
    result += "/" + part;
  }
  return result;
}

}  // namespace

CgroupLayout CgroupLayout::detect() {
  CgroupLayout layout;
  read_mounts(layout);
  read_own(layout);
  return layout;
}

launch::CgroupPlaces cgroup_places(const CgroupLayout& layout, const std::string& cgroups_path,
                                   const std::string& id, const launch::Limits& limits) {
  const bool absolute = cgroups_path.starts_with('/');
  const std::string below = clean(cgroups_path.empty() ? "berth-runtime/" + id : cgroups_path);
  if (below.empty()) throw Trouble("config.json: linux.cgroupsPath: must not be the root");
  launch::CgroupPlaces places;
  places.parents_ready = true;
  places.unified_controls = layout.unified_controls();
  if (!layout.unified.empty())
    places.unified =
        layout.unified + (absolute ? "" : clean(parent_of(layout.own_unified))) + below;
  if (places.unified_controls) return places;
  std::set<std::string> used(kAlways.begin(), kAlways.end());
  for (const auto& setting : launch::v1_settings(limits)) used.insert(setting.controller);
  // Where v2 is mounted its own freezer is used, which needs no controller.
  if (layout.unified.empty()) used.insert("freezer");
  for (const auto& name : used) {
    const auto mount = layout.v1.find(name);
    if (mount == layout.v1.end()) continue;
    const auto own = layout.own_v1.find(name);
    std::string path = mount->second;
    if (!absolute && own != layout.own_v1.end()) path += clean(own->second);
    places.v1.emplace_back(name, path + below);
  }
  return places;
}

}  // namespace berth::runtime
