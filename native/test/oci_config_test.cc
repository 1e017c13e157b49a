#include "launch/oci_config.h"

#include <doctest/doctest.h>

#include "launch/cgroup.h"
#include "sys/kernel.h"

using namespace berth::launch;

namespace {

/// What came of a config.json; the parser and the store live as long as the plan that points into them.
struct Read {
  explicit Read(const std::string& text) {
    simdjson::dom::element element;
    REQUIRE(parser.parse(text).get(element) == simdjson::SUCCESS);
    Faults faults;
    read_oci_config(Json(element, "config.json:", faults), store, plan, limits);
    fault = faults.first();
  }

  simdjson::dom::parser parser;
  PlanStore store;
  Plan plan;
  Limits limits;
  std::string fault;
};

/// A small good document with one member of `process`, `linux` or the top replaced or added.
std::string document(const std::string& process = "", const std::string& linux_section = "",
                     const std::string& top = "") {
  const auto more = [](const std::string& text) { return text.empty() ? text : "," + text; };
  return R"({"ociVersion":"1.1.0","process":{"args":["sh"],"cwd":"/")" + more(process) +
         R"(},"linux":{"namespaces":[{"type":"mount"},{"type":"pid"}])" + more(linux_section) +
         "}" + more(top) + "}";
}

std::string fault_of(const std::string& text) { return Read(text).fault; }

}  // namespace

TEST_CASE("the least that is a container, and its defaults") {
  const Read read(document());
  CHECK(read.fault.empty());
  CHECK(read.plan.namespaces ==
        (berth::sys::kernel::kCloneNewNs | berth::sys::kernel::kCloneNewPid));
  CHECK(read.plan.process.umask == 022);
  CHECK_FALSE(read.plan.process.no_new_privileges);
  CHECK_FALSE(read.limits.memory);
  CHECK(read.plan.links.count == 5);
}

TEST_CASE("every fault is told with its place") {
  const std::pair<std::string, std::string> cases[] = {
      {"{}", "config.json: ociVersion: is missing"},
      {R"({"ociVersion":"2.0.0"})", "config.json: ociVersion: must be 1.x"},
      {"[]", "config.json:: must be an object"},
      {R"({"ociVersion":"1.0.0","process":{"args":[],"cwd":"/"}})",
       "config.json: process.args: needs at least the command"},
      {R"({"ociVersion":"1.0.0","process":{"args":["a",1],"cwd":"/"}})",
       "config.json: process.args[1]: must be a string"},
      {R"({"ociVersion":"1.0.0","process":{"args":["a\u0000b"],"cwd":"/"}})",
       "config.json: process.args[0]: must not contain NUL"},
      {R"({"ociVersion":"1.0.0","process":{"args":["a"],"cwd":"tmp"}})",
       "config.json: process.cwd: must be an absolute path"},
      {document(R"("env":["A"])"), "config.json: process.env[0]: must be NAME=VALUE"},
      {document(R"("env":["=x"])"), "config.json: process.env[0]: must be NAME=VALUE"},
      {document(R"("terminal":true,"consoleSize":{"height":-1,"width":80})"),
       "config.json: process.consoleSize.height: must lie between 0 and 65535"},
      {document(R"("apparmorProfile":"x")"),
       "config.json: process.apparmorProfile: is not supported"},
      {document(R"("user":{"uid":4294967295})"),
       "config.json: process.user.uid: must lie between 0 and 4294967294"},
      {document(R"("user":{"uid":-1})"),
       "config.json: process.user.uid: must lie between 0 and 4294967294"},
      {document(R"("user":{"umask":512})"),
       "config.json: process.user.umask: must lie between 0 and 511"},
      {document(R"("capabilities":{"bounding":["CAP_FLY"]})"),
       "config.json: process.capabilities.bounding[0]: is no capability that berth knows"},
      {document(R"("rlimits":[{"type":"RLIMIT_X"}])"),
       "config.json: process.rlimits[0].type: is no resource limit that Linux has"},
      {document("", "", R"("hooks":{})"), "config.json: hooks: is for berth-runtime"},
      {document("", R"("rootfsPropagation":"shared")"),
       "config.json: linux.rootfsPropagation: is for berth-runtime"},
      {document("", R"("uidMappings":[{"containerID":0,"hostID":1,"size":1}])"),
       "config.json: linux.uidMappings: id maps and a user namespace need each other"},
      {document("", R"("devices":[{"type":"x","path":"/dev/x"}])"),
       "config.json: linux.devices[0].type: must be c, u or b"},
      {document("", R"("resources":{"rdma":{}})"),
       "config.json: linux.resources.rdma: is not supported"},
      {document("", R"("resources":{"memory":{"kernel":1}})"),
       "config.json: linux.resources.memory.kernel: is not supported"},
      {document("", R"("resources":{"memory":{"limit":5,"swap":4}})"),
       "config.json: linux.resources.memory.swap: counts memory and swap together: it must not be "
       "below limit"},
      {document("", R"("resources":{"memory":{"swappiness":101}})"),
       "config.json: linux.resources.memory.swappiness: must lie between 0 and 100"},
      {document("", R"("resources":{"cpu":{"cpus":"0;1"}})"),
       "config.json: linux.resources.cpu.cpus: must be a list such as 0-2,7"},
      {document("", R"("resources":{"blockIO":{"weight":9}})"),
       "config.json: linux.resources.blockIO.weight: must lie between 10 and 1000"},
      {document("", R"("resources":{"blockIO":{"throttleReadBpsDevice":[{"major":8,"rate":1}]}})"),
       "config.json: linux.resources.blockIO.throttleReadBpsDevice[0].minor: is missing"},
      {document("", R"("resources":{"hugepageLimits":[{"pageSize":"2MB/../x","limit":1}]})"),
       "config.json: linux.resources.hugepageLimits[0].pageSize: must be a size such as 2MB"},
      {document("", R"("resources":{"network":{"priorities":[{"name":"a b","priority":1}]}})"),
       "config.json: linux.resources.network.priorities[0].name: is no name of an interface"},
      {document("", R"("resources":{"unified":{"memory/max":"1"}})"),
       "config.json: linux.resources.unified.memory/max: is no name of a cgroup v2 file"},
      {document("", R"("resources":{"unified":{"cgroup.kill":"1"}})"),
       "config.json: linux.resources.unified.cgroup.kill: is not a limit"},
      {document("", R"("resources":{"memory":{"limit":"1g"}})"),
       "config.json: linux.resources.memory.limit: must be a whole number"},
      {document("", R"("sysctl":{"net.ipv4.ip_forward":"1"})"),
       "config.json: linux.sysctl.net.ipv4.ip_forward: belongs to a namespace that the container "
       "shares with the host"},
      {document("", R"("sysctl":{"kernel.core_pattern":"|x"})"),
       "config.json: linux.sysctl.kernel.core_pattern: is not a setting of the container's own "
       "namespaces"},
      {document("", R"("sysctl":{"kernel.shm_rmid_forced=1+kernel.core_pattern":"x"})"),
       "config.json: linux.sysctl.kernel.shm_rmid_forced=1+kernel.core_pattern: is not a setting "
       "of the container's own namespaces"},
      {document("", R"("sysctl":{"net/../kernel/core_pattern":"x"})"),
       "config.json: linux.sysctl.net/../kernel/core_pattern: is not a setting of the container's "
       "own namespaces"},
      {document("", "", R"("mounts":[{"destination":"/"}])"),
       "config.json: mounts[0].destination: must be an absolute path other than /"},
      {document("", "", R"("mounts":[{"destination":"/a","source":"b"}])"),
       "config.json: mounts[0].source: must be an absolute path"},
  };
  for (const auto& each : cases) {
    const auto& text = each.first;
    const auto& fault = each.second;
    CAPTURE(text);
    CHECK(fault_of(text) == fault);
  }
  CHECK(
      fault_of(
          R"({"ociVersion":"1.0.0","process":{"args":["a"],"cwd":"/"},"linux":{"namespaces":[{"type":"pid"}]}})") ==
      "config.json: linux.namespaces: must contain mount");
  CHECK(
      fault_of(
          R"({"ociVersion":"1.0.0","process":{"args":["a"],"cwd":"/"},"linux":{"namespaces":[{"type":"time"}]}})") ==
      "config.json: linux.namespaces[0].type: is no namespace that berth makes");
}

TEST_CASE("mounts: attributes, parameters, and who makes them") {
  const Read read(document("", "", R"("mounts":[
    {"destination":"/proc","type":"proc","source":"proc","options":["nosuid","noexec"]},
    {"destination":"/dev","type":"tmpfs","source":"x","options":["mode=755","ro","rw","strictatime"]},
    {"destination":"/dev/pts","type":"devpts","options":["newinstance"]},
    {"destination":"/proc/deep","type":"bind","source":"/a","options":["rbind","ro","idmap","x-berth.plain","size=1"]},
    {"destination":"/procedure","type":"none","source":"/a","options":["bind"]}])"));
  REQUIRE(read.fault.empty());
  const auto& mounts = read.plan.mounts;
  REQUIRE(mounts.count == 5);
  CHECK(mounts.items[0].late);
  CHECK(mounts.items[0].set ==
        (berth::sys::kernel::kMountNosuid | berth::sys::kernel::kMountNoexec));
  CHECK_FALSE(mounts.items[1].late);
  CHECK(mounts.items[1].options.count == 1);
  CHECK(mounts.items[1].set == berth::sys::kernel::kMountStrictatime);
  CHECK((mounts.items[1].clear & berth::sys::kernel::kMountReadonly) != 0);
  CHECK(mounts.items[2].late);
  CHECK(std::string(mounts.items[2].options.items[0].key) == "newinstance");
  CHECK(mounts.items[3].late);
  CHECK(mounts.items[3].recursive);
  CHECK(mounts.items[3].idmap);
  CHECK(mounts.items[3].plain);
  CHECK(mounts.items[3].options.count == 0);
  CHECK_FALSE(mounts.items[4].late);
  CHECK(mounts.items[4].kind == MountKind::kBind);
}

TEST_CASE("namespaces of others, and limits without an end") {
  const Read read(
      R"({"ociVersion":"1.1.0","process":{"args":["sh"],"cwd":"/","rlimits":[{"type":"RLIMIT_CORE","soft":0,"hard":-1}]},
          "linux":{"namespaces":[{"type":"mount"},{"type":"pid","path":"/proc/7/ns/pid"},{"type":"user","path":"/proc/7/ns/user"}],
                   "uidMappings":[{"containerID":0,"hostID":65536,"size":65536}],
                   "gidMappings":[{"containerID":0,"hostID":65536,"size":65536}]}})");
  CHECK(read.fault.empty());
  CHECK(read.plan.namespaces == berth::sys::kernel::kCloneNewNs);
  REQUIRE(read.plan.joined.count == 2);
  CHECK(read.plan.joined.items[1].type == berth::sys::kernel::kCloneNewUser);
  REQUIRE(read.plan.process.limits.count == 1);
  CHECK(std::string(read.plan.process.limits.items[0].name) == "core");
  CHECK(read.plan.process.limits.items[0].hard == UINT64_MAX);
  CHECK(read.plan.process.limits.items[0].soft == 0);
}

TEST_CASE("capabilities become bits; sysctls become paths") {
  const Read read(
      R"({"ociVersion":"1.1.0","process":{"args":["sh"],"cwd":"/",)"
      R"("capabilities":{"bounding":["CAP_CHOWN","CAP_CHECKPOINT_RESTORE","KILL"]}},)"
      R"("linux":{"namespaces":[{"type":"mount"},{"type":"network"}],"sysctl":{"net.ipv4.ip_forward":"1"}}})");
  CHECK(read.fault.empty());
  CHECK(read.plan.process.capabilities.bounding == (1ULL | 1ULL << 40 | 1ULL << 5));
  CHECK(read.plan.process.capabilities.effective == 0);
  CHECK(std::string(read.plan.sysctls.items[0].key) == "net/ipv4/ip_forward");
}

TEST_CASE("limits in the files of both layouts") {
  const Read read(document(
      "",
      R"("resources":{"memory":{"limit":1048576,"swap":3145728},"pids":{"limit":-1},"cpu":{"quota":50000,"period":100000,"shares":1024},
    "devices":[{"allow":false},{"allow":true,"type":"c","major":1,"minor":3,"access":"rw"},{"allow":true,"type":"b","major":-1,"access":"m"}]})"));
  REQUIRE(read.fault.empty());
  const auto lines = [](const std::vector<Setting>& settings) {
    std::string text;
    for (const auto& setting : settings) text += setting.file + "=" + setting.value + "\n";
    return text;
  };
  CHECK(lines(v1_settings(read.limits)) ==
        "memory.limit_in_bytes=1048576\nmemory.memsw.limit_in_bytes=3145728\npids.max=max\n"
        "cpu.shares=1024\ncpu.cfs_period_us=100000\ncpu.cfs_quota_us=50000\n"
        "devices.deny=a\ndevices.allow=c 1:3 rw\nb *:* m\n");
  CHECK(lines(v2_settings(read.limits)) ==
        "memory.max=1048576\nmemory.swap.max=2097152\npids.max=max\ncpu.weight=39\n"
        "cpu.max=50000 100000\n");
}

TEST_CASE("the scales of v1 on those of v2") {
  const auto value = [](const std::string& resources, const std::string& file) {
    const Read read(document("", "\"resources\":{" + resources + "}"));
    for (const auto& setting : v2_settings(read.limits)) {
      if (setting.file == file) return setting.value;
      if (setting.or_file == file) return setting.or_value;
    }
    return std::string("none");
  };
  const std::pair<int, const char*> shares[] = {{0, "none"},      {1, "1"},     {2, "1"},
                                                {512, "20"},      {1024, "39"}, {262144, "10000"},
                                                {300000, "10000"}};
  for (const auto& each : shares)
    CHECK(value(R"("cpu":{"shares":)" + std::to_string(each.first) + "}", "cpu.weight") ==
          each.second);
  const std::pair<int, const char*> weights[] = {
      {10, "default 1"}, {500, "default 4950"}, {1000, "default 10000"}};
  for (const auto& each : weights)
    CHECK(value(R"("blockIO":{"weight":)" + std::to_string(each.first) + "}", "io.weight") ==
          each.second);
  CHECK(value(R"("blockIO":{"weight":500})", "io.bfq.weight") == "default 500");
  CHECK(value(R"("blockIO":{"weightDevice":[{"major":8,"minor":16,"weight":10}]})", "io.weight") ==
        "8:16 1");
  CHECK(value(R"("memory":{"limit":10,"swap":10})", "memory.swap.max") == "0");
  CHECK(value(R"("memory":{"limit":10,"swap":-1})", "memory.swap.max") == "max");
  CHECK(value(R"("cpu":{"quota":-1,"period":5000})", "cpu.max") == "max 5000");
  CHECK(value(R"("blockIO":{"throttleReadBpsDevice":[{"major":8,"minor":0,"rate":0}]})",
              "io.max") == "8:0 rbps=max");
}

TEST_CASE("what a layout lacks is told, not passed over") {
  const Read read(document("", R"("resources":{"memory":{"swappiness":0,"disableOOMKiller":true},
    "cpu":{"realtimeRuntime":1},"network":{"classID":1},"blockIO":{"leafWeight":10},"unified":{"memory.high":"1"}})"));
  REQUIRE(read.fault.empty());
  const auto lacking = [](const std::vector<Setting>& settings) {
    std::string text;
    for (const auto& setting : settings) {
      if (!setting.lacking.empty()) text += setting.meaning + "\n";
    }
    return text;
  };
  CHECK(lacking(v1_settings(read.limits)) == "memory.high\n");
  CHECK(lacking(v2_settings(read.limits)) ==
        "swappiness\nthe OOM killer\nreal-time CPU time\nI/O leaf weight\nnetwork class\n");
}
