#include "init/oom.h"

#include <doctest/doctest.h>

#include <string>

using namespace berth::init;

namespace {

constexpr const char* kPlace = "/berth-1a2b3c4d/4f1c0de5a7b3";

std::string line(const std::string& oom, const std::string& task, const std::string& name,
                 const std::string& prefix = "6,881,10995796605,-;") {
  return prefix + "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0" +
         oom + ",task_memcg=" + task + ",task=" + name + ",pid=18998,uid=0\n";
}

struct Read {
  explicit Read(const std::string& record)
      : told(read_oom_record(record.c_str(), kPlace, report, depth)) {}
  OomReport report;
  int depth = -1;
  bool told;
};

}  // namespace

TEST_CASE("a kill at the container's own limit") {
  const Read read(line(std::string(",oom_memcg=") + kPlace, kPlace, "dd"));
  REQUIRE(read.told);
  CHECK(std::string(read.report.process) == "dd");
  CHECK(read.report.pid == 18998);
  CHECK(read.report.level == OomLevel::kContainer);
  CHECK(std::string(read.report.cgroup) == kPlace);
  CHECK(read.depth == 0);
}

TEST_CASE("at the limit of a cgroup around it, and of the host") {
  const std::string own = std::string("/system.slice/berth.scope") + kPlace;
  const Read above(line(",oom_memcg=/system.slice/berth.scope", own, "dd"));
  REQUIRE(above.told);
  CHECK(above.report.level == OomLevel::kAbove);
  CHECK(std::string(above.report.cgroup) == "/system.slice/berth.scope");
  CHECK(above.depth == 2);
  const Read root(line(",oom_memcg=/", own, "dd"));
  CHECK(root.report.level == OomLevel::kAbove);
  CHECK(root.depth == 4);
  const Read host(line(",global_oom", own, "dd"));
  REQUIRE(host.told);
  CHECK(host.report.level == OomLevel::kHost);
  const Read below(
      line(std::string(",oom_memcg=") + kPlace + "/x", std::string(kPlace) + "/x", "dd"));
  REQUIRE(below.told);
  CHECK(below.report.level == OomLevel::kContainer);
}

TEST_CASE("a process may call itself anything") {
  const std::string own = std::string(",oom_memcg=") + kPlace;
  for (const char* name : {"a,pid=1,uid=0", ",task=x", "\"\\x0a", "a b", ""}) {
    const Read read(line(own, kPlace, name));
    REQUIRE(read.told);
    CHECK(std::string(read.report.process) == name);
    CHECK(read.report.pid == 18998);
  }
  const Read bytes(line(own, kPlace, "\x1b[31m"));
  CHECK(std::string(bytes.report.process) == "?[31m");
}

TEST_CASE("what is not the kernel's word on this container is not believed") {
  const std::string own = std::string(",oom_memcg=") + kPlace, good = line(own, kPlace, "dd");
  REQUIRE(Read(good).told);
  const std::string wrong[] = {
      "",
      ";",
      "6,1,2,-;",
      good.substr(0, good.size() - 2) + "x\n",
      good.substr(0, good.size() / 2),
      // What a process writes into /dev/kmsg has facility 1 or more.
      line(own, kPlace, "dd", "14,881,10995796605,-;"),
      line(own, kPlace, "dd", "-6,881,10995796605,-;"),
      line(own, kPlace, "dd", "6,881,10995796605,-;x"),
      line(",oom_memcg=/berth-1a2b3c4d", "/berth-1a2b3c4d/000000000000", "dd"),
      line(own, std::string(kPlace) + "0", "dd"),
      line(own, "/other", std::string("x,task_memcg=") + kPlace),
      line(own, kPlace, std::string(80, 'x')),
  };
  for (const std::string& record : wrong) {
    CAPTURE(record);
    CHECK_FALSE(Read(record).told);
  }
}
