#include "launch/cgroup.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "launch/cgroup_files.h"
#include "launch/delegation.h"
#include "launch/device_filter.h"

namespace berth::launch {
namespace {

using sys::Fd;

/// What cannot be done at all is told before anything is made.
std::optional<Failure> find_lacking(const std::vector<Setting>& settings) {
  for (const Setting& setting : settings) {
    if (!setting.lacking.empty()) return unenforceable(setting, setting.lacking);
  }
  return {};
}

std::optional<Failure> apply(const std::string& path, const std::vector<Setting>& settings,
                             const std::string* controller) {
  auto opened = open_cgroup(path);
  if (auto* failure = std::get_if<Failure>(&opened)) return *failure;
  for (const Setting& setting : settings) {
    if (controller != nullptr && setting.controller != *controller) continue;
    if (auto failure = put_setting(std::get<Fd>(opened).get(), path, setting)) return failure;
  }
  return {};
}

std::optional<Failure> make_unified(const CgroupPlaces& places, const Limits& limits,
                                    const std::vector<Setting>& settings) {
  if (auto failure = make_below_shared(places.unified, !places.parents_ready)) return failure;
  if (!places.unified_controls) return {};
  if (!places.parents_ready) {
    auto passed = pass_controllers_on(parent_of(places.unified), settings);
    if (auto* failure = std::get_if<Failure>(&passed)) return *failure;
  }
  if (auto failure = apply(places.unified, settings, nullptr)) return failure;
  if (limits.devices.empty()) return {};
  auto opened = open_cgroup(places.unified);
  if (auto* failure = std::get_if<Failure>(&opened)) return *failure;
  if (auto attached = attach_device_filter(std::get<Fd>(opened).get(), limits.devices); !attached) {
    Failure failure(attached.error(), "device filter", places.unified);
    failure.hint = "The kernel needs CONFIG_CGROUP_BPF and CONFIG_BPF_SYSCALL.";
    return failure;
  }
  return {};
}

/// A v1 cpuset that was just made has no CPUs and no memory, and takes no process (cpusets.rst): it gets those of the one above.
std::optional<Failure> inherit_cpuset(const std::string& path) {
  auto opened = open_cgroup(path);
  if (auto* failure = std::get_if<Failure>(&opened)) return *failure;
  const int own = std::get<Fd>(opened).get();
  for (const char* file : {"cpuset.cpus", "cpuset.mems"}) {
    auto value = read_value(own, file);
    if (value && !value->empty()) continue;
    if (!value) return Failure(value.error(), "cgroup", path + "/" + file);
    const std::string above = parent_of(path);
    if (auto failure = inherit_cpuset(above)) return failure;
    auto parent = open_cgroup(above);
    if (auto* failure = std::get_if<Failure>(&parent)) return *failure;
    auto inherited = read_value(std::get<Fd>(parent).get(), file);
    if (!inherited) return Failure(inherited.error(), "cgroup", above + "/" + file);
    if (const auto written = write_value(own, file, *inherited); !written)
      return Failure(written.error(), "cgroup", path + "/" + file);
  }
  return {};
}

/// Real-time CPU time is handed down: what a container is to have, the directory that it shares with others must have to give (sched-rt-group.rst).
/// A refusal shows when the container's own is written.
void provide_real_time(const std::string& shared, const Limits& limits) {
  auto opened = open_cgroup(shared);
  if (std::holds_alternative<Failure>(opened)) return;
  const int directory = std::get<Fd>(opened).get();
  auto given = read_value(directory, "cpu.rt_runtime_us");
  auto period = read_value(directory, "cpu.rt_period_us");
  if (!given || !period) return;
  constexpr uint64_t kUsualPeriod = 1000000;
  const auto own_period = static_cast<double>(limits.rt_period.value_or(kUsualPeriod));
  const double more = static_cast<double>(*limits.rt_runtime) * atof(period->c_str()) / own_period;
  (void)write_value(directory, "cpu.rt_runtime_us",
                    std::to_string(atoll(given->c_str()) + std::llround(std::ceil(more))));
}

std::optional<Failure> make_every_v1(const CgroupPlaces& places, const Limits& limits,
                                     const std::vector<Setting>& settings) {
  for (const Setting& setting : settings) {
    const bool there = std::any_of(places.v1.begin(), places.v1.end(), [&](const auto& place) {
      return place.first == setting.controller;
    });
    if (!there)
      return unenforceable(setting, "the host has no " + setting.controller + " controller");
  }
  std::vector<std::string> made;
  for (const auto& [controller, path] : places.v1) {
    const bool is_new = std::find(made.begin(), made.end(), path) == made.end();
    if (auto failure = make_v1(controller, path, limits, is_new && !places.parents_ready))
      return failure;
    made.push_back(path);
    if (auto failure = apply(path, settings, &controller)) return failure;
  }
  return {};
}

std::optional<Failure> make_all(const CgroupPlaces& places, const Limits& limits) {
  const auto settings = places.unified_controls ? v2_settings(limits) : v1_settings(limits);
  if (auto failure = find_lacking(settings)) return failure;
  if (!places.unified.empty()) {
    if (auto failure = make_unified(places, limits, settings)) return failure;
  }
  if (places.unified_controls) return {};
  return make_every_v1(places, limits, settings);
}

}  // namespace

std::optional<Failure> make_v1(const std::string& controller, const std::string& path,
                               const Limits& limits, bool must_be_new) {
  if (auto failure = make_below_shared(path, must_be_new)) return failure;
  if (controller == "cpuset") return inherit_cpuset(path);
  if (controller == "cpu" && limits.rt_runtime.value_or(0) > 0)
    provide_real_time(parent_of(path), limits);
  return {};
}

std::variant<std::monostate, Failure> make_cgroups(const CgroupPlaces& places,
                                                   const Limits& limits) {
  auto failure = make_all(places, limits);
  if (!failure) return {};
  remove_cgroups(places);
  return *failure;
}

void remove_cgroups(const CgroupPlaces& places) {
  // Only this container's own; ENOENT for those never made. The shared parents belong to the other containers too.
  if (!places.unified.empty()) rmdir(places.unified.c_str());
  for (const auto& place : places.v1) rmdir(place.second.c_str());
}

}  // namespace berth::launch
