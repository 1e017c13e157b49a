#include <doctest/doctest.h>

#include "launch/resources.h"
#include "launch/setting.h"

using namespace berth::launch;

namespace {

/// Everything that `linux.resources` may ask for.
constexpr const char* kEverything = R"({
  "memory": {"limit": 1000000, "swap": 3000000, "reservation": 500000, "kernelTCP": 400000, "swappiness": 7,
             "disableOOMKiller": true, "useHierarchy": true, "checkBeforeUpdate": true},
  "cpu": {"shares": 512, "quota": 50000, "period": 200000, "burst": 10000, "idle": 1, "realtimeRuntime": 950,
          "realtimePeriod": 1000, "cpus": "0-2,7", "mems": "0"},
  "pids": {"limit": 99},
  "blockIO": {"weight": 500, "leafWeight": 300,
              "weightDevice": [{"major": 8, "minor": 0, "weight": 400, "leafWeight": 200}],
              "throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 1}, {"major": 8, "minor": 16, "rate": 2}],
              "throttleWriteBpsDevice": [{"major": 8, "minor": 0, "rate": 3}],
              "throttleReadIOPSDevice": [{"major": 8, "minor": 0, "rate": 4}],
              "throttleWriteIOPSDevice": [{"major": 8, "minor": 0, "rate": 5}]},
  "hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}],
  "network": {"classID": 9, "priorities": [{"name": "eth0", "priority": 3}]},
  "unified": {"memory.high": "77"},
  "devices": [{"allow": false}, {"allow": true, "type": "c", "major": 1, "minor": 3, "access": "rw"}]
})";

std::string text_of(const std::vector<Setting>& settings) {
  std::string text;
  for (const auto& each : settings) {
    text += each.controller + " " + each.file + "=" + each.value;
    if (!each.or_file.empty()) text += " or " + each.or_file + "=" + each.or_value;
    if (each.optional) text += " optional";
    if (!each.lacking.empty()) text += " lacking";
    text += "\n";
  }
  return text;
}

Limits everything() {
  simdjson::dom::parser parser;
  simdjson::dom::element element;
  REQUIRE(parser.parse(std::string(kEverything)).get(element) == simdjson::SUCCESS);
  Faults faults;
  auto limits = read_resources(Json(element, "resources", faults));
  CHECK(faults.first().empty());
  return limits;
}

}  // namespace

TEST_CASE("every limit has its place on v1") {
  CHECK(text_of(v1_settings(everything())) == R"(memory memory.limit_in_bytes=1000000
memory memory.memsw.limit_in_bytes=3000000
memory memory.soft_limit_in_bytes=500000
memory memory.kmem.tcp.limit_in_bytes=400000
memory memory.swappiness=7
memory memory.oom_control=1
pids pids.max=99
cpu cpu.shares=512
cpu cpu.cfs_period_us=200000
cpu cpu.cfs_quota_us=50000
cpu cpu.cfs_burst_us=10000
cpu cpu.rt_period_us=1000
cpu cpu.rt_runtime_us=950
cpu cpu.idle=1
cpuset cpuset.cpus=0-2,7
cpuset cpuset.mems=0
blkio blkio.bfq.weight=500 or blkio.weight=500
blkio blkio.leaf_weight=300
blkio blkio.bfq.weight_device=8:0 400 or blkio.weight_device=8:0 400
blkio blkio.leaf_weight_device=8:0 200
blkio blkio.throttle.read_bps_device=8:0 1
blkio blkio.throttle.read_bps_device=8:16 2
blkio blkio.throttle.write_bps_device=8:0 3
blkio blkio.throttle.read_iops_device=8:0 4
blkio blkio.throttle.write_iops_device=8:0 5
hugetlb hugetlb.2MB.limit_in_bytes=4194304
hugetlb hugetlb.2MB.rsvd.limit_in_bytes=4194304 optional
net_cls net_cls.classid=9
net_prio net_prio.ifpriomap=eth0 3
 memory.high=77 lacking
devices devices.deny=a
devices devices.allow=c 1:3 rw
)");
}

TEST_CASE("every limit has its place on v2, or is told to have none") {
  CHECK(text_of(v2_settings(everything())) == R"(memory memory.max=1000000
memory memory.swap.max=2000000
memory memory.low=500000
 = lacking
 = lacking
 = lacking
pids pids.max=99
cpu cpu.weight=20
cpu cpu.max=50000 200000
cpu cpu.max.burst=10000
cpu cpu.idle=1
 = lacking
cpuset cpuset.cpus=0-2,7
cpuset cpuset.mems=0
io io.bfq.weight=default 500 or io.weight=default 4950
io io.bfq.weight=8:0 400 or io.weight=8:0 3940
 = lacking
io io.max=8:0 rbps=1
io io.max=8:16 rbps=2
io io.max=8:0 wbps=3
io io.max=8:0 riops=4
io io.max=8:0 wiops=5
hugetlb hugetlb.2MB.max=4194304
hugetlb hugetlb.2MB.rsvd.max=4194304 optional
 = lacking
 = lacking
memory memory.high=77
)");
}

TEST_CASE("no limit needs no file") {
  Limits limits;
  limits.memory = limits.memory_swap = limits.memory_reservation = limits.pids = -1;
  CHECK(text_of(v1_settings(limits)) ==
        "memory memory.limit_in_bytes=-1 optional\nmemory memory.memsw.limit_in_bytes=-1 optional\n"
        "memory memory.soft_limit_in_bytes=-1 optional\npids pids.max=max\n");
  CHECK(text_of(v2_settings(limits)) ==
        "memory memory.max=max optional\nmemory memory.swap.max=max optional\n"
        "memory memory.low=max optional\npids pids.max=max\n");
}
