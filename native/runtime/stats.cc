#include <fstream>
#include <map>
#include <sstream>

#include "runtime/events.h"
#include "runtime/json_text.h"

namespace berth::runtime {
namespace {

using Counts = std::map<std::string, uint64_t>;

/// The files of one container's cgroups, whatever the layout.
class Files {
 public:
  explicit Files(const launch::CgroupPlaces& places) : places_(places) {}

  bool unified() const { return places_.unified_controls; }
  std::string path(const std::string& controller, const std::string& name) const {
    if (unified()) return places_.unified + "/" + name;
    for (const auto& [own, path] : places_.v1) {
      if (own != controller) continue;
      std::string file = path;
      return file.append("/").append(name);
    }
    return "";
  }
  /// One number; `max` is the largest there is, and what is not there is 0.
  uint64_t number(const std::string& controller, const std::string& name) const {
    std::ifstream file(path(controller, name));
    std::string word;
    if (!(file >> word)) return 0;
    return word == "max" ? UINT64_MAX : strtoull(word.c_str(), nullptr, 10);
  }
  /// Lines of `KEY NUMBER`.
  Counts counts(const std::string& controller, const std::string& name) const {
    Counts counts;
    std::ifstream file(path(controller, name));
    std::string key;
    for (uint64_t value = 0; file >> key >> value;) counts[key] = value;
    return counts;
  }
  std::vector<std::string> lines(const std::string& controller, const std::string& name) const {
    std::vector<std::string> lines;
    std::ifstream file(path(controller, name));
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
  }

 private:
  const launch::CgroupPlaces& places_;
};

std::string text(uint64_t value) { return std::to_string(value); }

std::string cpu(const Files& files) {
  constexpr uint64_t kMicrosecond = 1000;  // ns
  JsonObject usage, throttling;
  Counts stat = files.counts("cpu", "cpu.stat");
  if (files.unified()) {
    usage.member("total", text(stat["usage_usec"] * kMicrosecond))
        .member("kernel", text(stat["system_usec"] * kMicrosecond))
        .member("user", text(stat["user_usec"] * kMicrosecond));
    stat["throttled_time"] = stat["throttled_usec"] * kMicrosecond;
  } else {
    constexpr uint64_t kTick = 10000000;  // ns: USER_HZ is 100
    Counts ticks = files.counts("cpuacct", "cpuacct.stat");
    std::string each;
    for (const auto& line : files.lines("cpuacct", "cpuacct.usage_percpu")) {
      std::istringstream words(line);
      for (uint64_t value = 0; words >> value;) each += (each.empty() ? "" : ",") + text(value);
    }
    usage.member("total", text(files.number("cpuacct", "cpuacct.usage")))
        .member("percpu", "[" + each + "]")
        .member("kernel", text(ticks["system"] * kTick))
        .member("user", text(ticks["user"] * kTick));
  }
  throttling.member("periods", text(stat["nr_periods"]))
      .member("throttledPeriods", text(stat["nr_throttled"]))
      .member("throttledTime", text(stat["throttled_time"]));
  return JsonObject().member("usage", usage.text()).member("throttling", throttling.text()).text();
}

std::string entry(uint64_t usage, uint64_t most, uint64_t limit, uint64_t failures) {
  return JsonObject()
      .member("limit", text(limit))
      .member("usage", text(usage))
      .member("max", text(most))
      .member("failcnt", text(failures))
      .text();
}

std::string v1_entry(const Files& files, const std::string& prefix) {
  const auto number = [&](const char* name) { return files.number("memory", prefix + name); };
  return entry(number("usage_in_bytes"), number("max_usage_in_bytes"), number("limit_in_bytes"),
               number("failcnt"));
}

std::string memory(const Files& files) {
  Counts stat = files.counts("memory", "memory.stat");
  JsonObject raw, memory;
  for (const auto& [name, value] : stat) raw.member(name, text(value));
  const auto number = [&](const char* name) { return files.number("memory", name); };
  if (files.unified()) {
    memory.member("cache", text(stat["file"]))
        .member("usage",
                entry(number("memory.current"), number("memory.peak"), number("memory.max"),
                      files.counts("memory", "memory.events")["max"]))
        .member("swap", entry(number("memory.swap.current"), number("memory.swap.peak"),
                              number("memory.swap.max"), 0));
  } else {
    memory.member("cache", text(stat["cache"]))
        .member("usage", v1_entry(files, "memory."))
        .member("swap", v1_entry(files, "memory.memsw."))
        .member("kernel", v1_entry(files, "memory.kmem."))
        .member("kernelTCP", v1_entry(files, "memory.kmem.tcp."));
  }
  return memory.member("raw", raw.text()).text();
}

std::string block_entry(const std::string& device, const std::string& operation,
                        const std::string& value) {
  const size_t colon = device.find(':');
  return JsonObject()
      .member("major", device.substr(0, colon))
      .member("minor", device.substr(colon + 1))
      .member("op", json_string(operation))
      .member("value", value)
      .text();
}

/// Bytes and operations by device: `8:0 rbytes=1 wbytes=2 rios=3 …` of v2, `8:0 Read 1` of v1.
std::string block(const Files& files) {
  std::string bytes, operations;
  const auto add = [](std::string& list, const std::string& item) {
    list += (list.empty() ? "" : ",") + item;
  };
  constexpr const char* kBytes = "blkio.throttle.io_service_bytes";
  constexpr const char* kOperations = "blkio.throttle.io_serviced";
  const auto is_device = [](const std::string& word) {
    const size_t colon = word.find(':');
    return colon != std::string::npos && word.find_first_not_of("0123456789:") == std::string::npos;
  };
  if (files.unified()) {
    const std::map<std::string, std::string> reads_and_writes = {
        {"rbytes", "Read"}, {"wbytes", "Write"}, {"rios", "Read"}, {"wios", "Write"}};
    for (const auto& line : files.lines("io", "io.stat")) {
      std::istringstream words(line);
      std::string device, word;
      if (!(words >> device) || !is_device(device)) continue;
      while (words >> word) {
        const size_t equals = word.find('=');
        const auto known = reads_and_writes.find(word.substr(0, equals));
        if (equals == std::string::npos || known == reads_and_writes.end()) continue;
        add(known->first.ends_with("bytes") ? bytes : operations,
            block_entry(device, known->second, word.substr(equals + 1)));
      }
    }
  } else {
    for (const char* name : {kBytes, kOperations}) {
      for (const auto& line : files.lines("blkio", name)) {
        std::istringstream words(line);
        std::string device, operation, value;
        if (!(words >> device >> operation >> value) || !is_device(device)) continue;
        add(name == kBytes ? bytes : operations, block_entry(device, operation, value));
      }
    }
  }
  return JsonObject()
      .member("ioServiceBytesRecursive", "[" + bytes + "]")
      .member("ioServicedRecursive", "[" + operations + "]")
      .text();
}

}  // namespace

std::string stats_text(const launch::CgroupPlaces& places) {
  const Files files(places);
  JsonObject pids;
  pids.member("current", text(files.number("pids", "pids.current")));
  // As runc has it: no limit is none told.
  if (const uint64_t limit = files.number("pids", "pids.max"); limit != UINT64_MAX && limit != 0)
    pids.member("limit", text(limit));
  return JsonObject()
      .member("cpu", cpu(files))
      .member("memory", memory(files))
      .member("pids", pids.text())
      .member("blkio", block(files))
      .member("hugetlb", "{}")
      .member("intel_rdt", "{}")
      .member("network_interfaces", "null")
      .text();
}

}  // namespace berth::runtime
