#include "launch/resources.h"

#include <algorithm>
#include <initializer_list>

#include "sys/defence.h"

namespace berth::launch {
namespace {

using std::string_view;

constexpr int64_t kMost = INT64_MAX;

void only(const Json& object, std::initializer_list<string_view> known) {
  object.each_member([&](string_view key, const Json& member) {
    if (std::find(known.begin(), known.end(), key) == known.end()) member.fault("is not supported");
  });
}

std::optional<int64_t> amount(const Json& value) {
  if (!value.present()) return {};
  return value.integer(-1, kMost);
}

/// 0 stands for "not said": documents that were made from a structure of Go have it where nothing was set.
std::optional<int64_t> amount_unless_zero(const Json& value) {
  const auto given = amount(value);
  return given == 0 ? std::nullopt : given;
}

std::optional<uint64_t> within(const Json& value, int64_t least, int64_t most) {
  if (!value.present()) return {};
  return static_cast<uint64_t>(value.integer(least, most));
}

std::optional<uint64_t> unless_zero(const Json& value) {
  const auto given = within(value, 0, kMost);
  return given == 0 ? std::nullopt : given;
}

/// A list of numbers and ranges, as cpuset files have it: nothing else may reach the file.
std::string number_list(const Json& value) {
  const string_view text = value.text();
  if (text.find_first_not_of("0123456789,-") != string_view::npos)
    value.fault("must be a list such as 0-2,7");
  return std::string(text);
}

void read_memory(const Json& memory, Limits& limits) {
  only(memory, {"limit", "swap", "reservation", "kernelTCP", "swappiness", "disableOOMKiller",
                "useHierarchy", "checkBeforeUpdate"});
  limits.memory = amount_unless_zero(memory["limit"]);
  limits.memory_swap = amount_unless_zero(memory["swap"]);
  limits.memory_reservation = amount_unless_zero(memory["reservation"]);
  limits.tcp_memory = amount_unless_zero(memory["kernelTCP"]);
  limits.swappiness = within(memory["swappiness"], 0, 100);
  limits.disable_oom_killer = memory["disableOOMKiller"].boolean();
  if (!memory["useHierarchy"].boolean(true))
    memory["useHierarchy"].fault("Linux always counts memory by hierarchy");
  const bool both = limits.memory && limits.memory_swap && *limits.memory_swap >= 0;
  if (both && (*limits.memory < 0 || *limits.memory_swap < *limits.memory))
    memory["swap"].fault("counts memory and swap together: it must not be below limit");
}

void read_cpu(const Json& cpu, Limits& limits) {
  only(cpu, {"shares", "quota", "period", "burst", "idle", "realtimeRuntime", "realtimePeriod",
             "cpus", "mems"});
  limits.cpu_shares = unless_zero(cpu["shares"]);
  limits.cpu_quota = amount_unless_zero(cpu["quota"]);
  limits.cpu_period = unless_zero(cpu["period"]);
  limits.cpu_burst = within(cpu["burst"], 0, kMost);
  if (cpu["idle"].present()) limits.cpu_idle = cpu["idle"].integer(0, 1);
  limits.rt_runtime = amount(cpu["realtimeRuntime"]);
  limits.rt_period = unless_zero(cpu["realtimePeriod"]);
  limits.cpus = number_list(cpu["cpus"]);
  limits.memory_nodes = number_list(cpu["mems"]);
}

DeviceNumber device_number(const Json& item) {
  for (const char* key : {"major", "minor"}) {
    if (!item[key].present()) item[key].fault("is missing");
  }
  return {item["major"].id(), item["minor"].id()};
}

void read_io(const Json& json, IoLimits& io) {
  only(json, {"weight", "leafWeight", "weightDevice", "throttleReadBpsDevice",
              "throttleWriteBpsDevice", "throttleReadIOPSDevice", "throttleWriteIOPSDevice"});
  constexpr int64_t kLeast = 10, kGreatest = 1000;
  const auto weight = [](const Json& value) -> std::optional<uint64_t> {
    if (value.integer(0, kGreatest) == 0) return {};
    return within(value, kLeast, kGreatest);
  };
  io.weight = weight(json["weight"]);
  io.leaf_weight = weight(json["leafWeight"]);
  json["weightDevice"].each([&](const Json& item) {
    io.weights.push_back({device_number(item), weight(item["weight"]), weight(item["leafWeight"])});
  });
  const auto rates = [&](const char* key, std::vector<DeviceRate>& list) {
    json[key].each([&](const Json& item) {
      list.push_back({device_number(item), item["rate"].unsigned_integer()});
    });
  };
  rates("throttleReadBpsDevice", io.read_bytes);
  rates("throttleWriteBpsDevice", io.write_bytes);
  rates("throttleReadIOPSDevice", io.read_operations);
  rates("throttleWriteIOPSDevice", io.write_operations);
}

void read_hugepages(const Json& list, Limits& limits) {
  list.each([&](const Json& item) {
    const string_view size = item["pageSize"].required_text();
    // It becomes part of a file's name.
    const size_t digits = size.find_first_not_of("0123456789");
    const string_view unit = digits == string_view::npos ? "" : size.substr(digits);
    if (digits == 0 || size[0] == '0' || (unit != "KB" && unit != "MB" && unit != "GB"))
      return item["pageSize"].fault("must be a size such as 2MB");
    limits.hugepages.push_back({std::string(size), item["limit"].unsigned_integer()});
  });
}

void read_network(const Json& network, Limits& limits) {
  only(network, {"classID", "priorities"});
  if (network["classID"].present())
    limits.network_class = static_cast<uint32_t>(network["classID"].integer(0, UINT32_MAX));
  network["priorities"].each([&](const Json& item) {
    const string_view name = item["name"].required_text();
    if (name.find_first_of(" \t\n/") != string_view::npos)
      return item["name"].fault("is no name of an interface");
    limits.network_priorities.emplace_back(
        name, static_cast<uint32_t>(item["priority"].integer(0, UINT32_MAX)));
  });
}

/// Names of files in the container's own cgroup. Those that move, stop or end processes are none of a limit's business.
void read_unified(const Json& unified, Limits& limits) {
  unified.each_member([&](string_view key, const Json& value) {
    const bool plain = key.find_first_not_of(
                           "abcdefghijklmnopqrstuvwxyz"
                           "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.") == string_view::npos;
    const size_t dot = key.find('.');
    if (!plain || dot == string_view::npos || dot == 0 || key.find("..") != string_view::npos)
      return value.fault("is no name of a cgroup v2 file");
    if (key.starts_with("cgroup.") && !key.starts_with("cgroup.max."))
      return value.fault("is not a limit");
    limits.unified.emplace_back(key, value.required_text());
  });
}

void read_devices(const Json& list, Limits& limits) {
  list.each([&](const Json& item) {
    DeviceRule rule;
    rule.allow = item["allow"].boolean();
    const string_view type = item["type"].text("a");
    if (type != "a" && type != "b" && type != "c") return item["type"].fault("must be a, b or c");
    rule.type = type[0];
    const auto number = [](const Json& value) -> std::optional<uint32_t> {
      if (!value.present() || value.integer(-1, UINT32_MAX) == -1) return {};
      return static_cast<uint32_t>(value.integer(-1, UINT32_MAX));
    };
    rule.major = number(item["major"]);
    rule.minor = number(item["minor"]);
    for (const char c : item["access"].text("rwm")) {
      rule.read |= c == 'r';
      rule.write |= c == 'w';
      rule.make |= c == 'm';
    }
    limits.devices.push_back(rule);
  });
}

}  // namespace

Limits read_resources(const Json& resources) {
  Limits limits;
  only(resources,
       {"devices", "memory", "cpu", "pids", "blockIO", "hugepageLimits", "network", "unified"});
  read_memory(resources["memory"], limits);
  read_cpu(resources["cpu"], limits);
  limits.pids = amount(resources["pids"]["limit"]);
  read_io(resources["blockIO"], limits.io);
  read_hugepages(resources["hugepageLimits"], limits);
  read_network(resources["network"], limits);
  read_unified(resources["unified"], limits);
  if (sys::holds("device-rules")) read_devices(resources["devices"], limits);
  return limits;
}

}  // namespace berth::launch
