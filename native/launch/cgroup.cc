#include "launch/cgroup.h"

#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>

#include "launch/device_filter.h"
#include "sys/fd.h"

namespace berth::launch {
namespace {

using sys::Fd;

constexpr long kCgroupMagic = 0x27e0eb, kCgroup2Magic = 0x63677270;  // statfs(2)

std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

/// The directory, but only if it really is a cgroup: a plain file written somewhere else would be a limit that does not exist.
std::variant<Fd, Failure> open_cgroup(const std::string& path) {
  Fd directory(open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  struct statfs status;
  if (!directory || fstatfs(directory.get(), &status) != 0)
    return Failure(sys::last_error("open"), "cgroup", path);
  if (status.f_type != kCgroupMagic && status.f_type != kCgroup2Magic) {
    Failure failure({EMEDIUMTYPE, "statfs"}, "cgroup", path);
    failure.hint = "No cgroup hierarchy is mounted there; see berth doctor.";
    return failure;
  }
  return directory;
}

/// Makes a container's directory below the one that it shares with others of its root. Whoever clears up after the last container may remove the
/// shared one in between: then it is made again.
std::variant<std::monostate, Failure> make_below_shared(const std::string& path,
                                                        bool parents_ready) {
  constexpr int kTries = 20;
  if (parents_ready) {
    if (mkdir(path.c_str(), 0755) == 0 || errno == EEXIST) return {};
    return Failure(sys::last_error("mkdir"), "cgroup", path);
  }
  const std::string parent = parent_of(path);
  for (int attempt = 0;; ++attempt) {
    if (mkdir(parent.c_str(), 0755) != 0 && errno != EEXIST)
      return Failure(sys::last_error("mkdir"), "cgroup", parent);
    if (mkdir(path.c_str(), 0755) == 0) return {};
    if (errno != ENOENT || attempt == kTries)
      return Failure(sys::last_error("mkdir"), "cgroup", path);
  }
}

sys::Result<void> write_file(int directory, const std::string& file, const std::string& value) {
  BERTH_ASSIGN(const Fd fd,
               sys::adopt(openat(directory, file.c_str(), O_WRONLY | O_CLOEXEC), "openat"));
  if (write(fd.get(), value.data(), value.size()) != static_cast<ssize_t>(value.size()))
    return sys::last_error("write");
  return {};
}

Failure unenforceable(const Setting& setting, const std::string& why) {
  Failure failure;
  failure.code = "LIMIT_UNENFORCEABLE";
  failure.path = setting.meaning;
  failure.step = why;
  failure.hint = "See berth doctor for the controllers of this host.";
  return failure;
}

std::variant<std::monostate, Failure> apply(const std::string& path,
                                            const std::vector<Setting>& settings,
                                            const std::string& controller) {
  auto opened = open_cgroup(path);
  if (auto* failure = std::get_if<Failure>(&opened)) return *failure;
  for (const Setting& setting : settings) {
    if (setting.controller != controller) continue;
    if (auto written = write_file(std::get<Fd>(opened).get(), setting.file, setting.value);
        !written) {
      if (written.error().number == ENOENT)
        return unenforceable(setting, "the kernel has no " + setting.file + " here");
      Failure failure(written.error(), "limit " + setting.meaning, path + "/" + setting.file);
      return failure;
    }
  }
  return {};
}

/// v2 gives a controller to children only where every level above passes it on.
std::variant<std::monostate, Failure> pass_controllers_on(const std::string& parent,
                                                          const std::vector<Setting>& settings) {
  for (const std::string& level : {parent_of(parent), parent}) {
    auto opened = open_cgroup(level);
    if (auto* failure = std::get_if<Failure>(&opened)) return *failure;
    for (const Setting& setting : settings) {
      if (auto written = write_file(std::get<Fd>(opened).get(), "cgroup.subtree_control",
                                    "+" + setting.controller);
          !written) {
        return unenforceable(
            setting, "the " + setting.controller + " controller is not delegated to " + level);
      }
    }
  }
  return {};
}

std::variant<std::monostate, Failure> make_unified(const CgroupPlaces& places,
                                                   const Limits& limits) {
  const std::string parent = parent_of(places.unified);
  const auto settings = places.unified_controls ? v2_settings(limits) : std::vector<Setting>();
  auto outcome = make_below_shared(places.unified, places.parents_ready);
  if (outcome.index() == 0 && !places.parents_ready)
    outcome = pass_controllers_on(parent, settings);
  if (outcome.index() != 0) return outcome;
  auto opened = open_cgroup(places.unified);
  if (auto* failure = std::get_if<Failure>(&opened)) return *failure;
  for (const Setting& setting : settings) {
    outcome = apply(places.unified, {setting}, setting.controller);
    if (outcome.index() != 0) return outcome;
  }
  if (places.unified_controls && !limits.devices.empty()) {
    if (auto attached = attach_device_filter(std::get<Fd>(opened).get(), limits.devices);
        !attached) {
      Failure failure(attached.error(), "device filter", places.unified);
      failure.hint = "The kernel needs CONFIG_CGROUP_BPF and CONFIG_BPF_SYSCALL.";
      return failure;
    }
  }
  return {};
}

std::variant<std::monostate, Failure> make_all(const CgroupPlaces& places, const Limits& limits) {
  if (!places.unified.empty()) {
    if (auto outcome = make_unified(places, limits); outcome.index() != 0) return outcome;
  }
  if (places.unified_controls) return {};
  const auto settings = v1_settings(limits);
  for (const Setting& setting : settings) {
    const bool there = std::any_of(places.v1.begin(), places.v1.end(), [&](const auto& place) {
      return place.first == setting.controller;
    });
    if (!there)
      return unenforceable(setting, "the host has no " + setting.controller + " controller");
  }
  std::vector<std::string> made;
  for (const auto& [controller, path] : places.v1) {
    if (std::find(made.begin(), made.end(), path) == made.end()) {
      if (auto outcome = make_below_shared(path, places.parents_ready); outcome.index() != 0)
        return outcome;
      made.push_back(path);
    }
    if (auto outcome = apply(path, settings, controller); outcome.index() != 0) return outcome;
  }
  return {};
}

}  // namespace

std::variant<std::monostate, Failure> make_cgroups(const CgroupPlaces& places,
                                                   const Limits& limits) {
  auto outcome = make_all(places, limits);
  if (outcome.index() != 0) remove_cgroups(places);
  return outcome;
}

void remove_cgroups(const CgroupPlaces& places) {
  // Only this container's own; ENOENT for those never made. The shared parents belong to the other containers too.
  if (!places.unified.empty()) rmdir(places.unified.c_str());
  for (const auto& place : places.v1) rmdir(place.second.c_str());
}

}  // namespace berth::launch
