#include "launch/delegation.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "scratch_folder.h"

using namespace berth::launch;

namespace {

/// Two levels of a hierarchy as plain folders, with the two files that count. Writing switches nothing on here, but shows what was asked for.
struct Levels {
  explicit Levels(const std::string& controllers, const std::string& enabled = "") {
    CHECK(mkdir(folder.path("berth").c_str(), 0755) == 0);
    for (const std::string level : {"", "berth/"}) {
      folder.write(level + "cgroup.controllers", controllers + "\n");
      folder.write(level + "cgroup.subtree_control", enabled + "\n");
    }
  }
  auto pass_on(const std::vector<Setting>& settings) const {
    return pass_controllers_on(folder.path("berth"), settings);
  }

  berth::test::ScratchFolder folder;
};

Setting needing(const std::string& controller) {
  Setting setting;
  setting.controller = controller;
  setting.meaning = "number of processes";
  return setting;
}

}  // namespace

TEST_CASE("what is there is switched on, at each level") {
  const Levels levels("pids");
  CHECK(levels.pass_on({needing("pids")}).index() == 0);
  CHECK(levels.folder.read("cgroup.subtree_control") == "+pids");
  CHECK(levels.folder.read("berth/cgroup.subtree_control") == "+pids");
}

TEST_CASE("what is on already is not written again, and a name that contains another is not it") {
  const Levels on("cpuset cpu", "cpuset cpu");
  CHECK(on.pass_on({}).index() == 0);
  CHECK(on.folder.read("cgroup.subtree_control") == "cpuset cpu\n");
  const Levels other("cpuset", "cpuset");
  CHECK(std::get<Failure>(other.pass_on({needing("cpu")})).code == "LIMIT_UNENFORCEABLE");
}

TEST_CASE("where processes live nothing is switched on, unless it is the root of the hierarchy") {
  const Levels levels("cpu pids");
  levels.folder.write("cgroup.procs", "1\n");
  levels.folder.write("cgroup.type", "domain\n");
  const Failure failure = std::get<Failure>(levels.pass_on({needing("pids")}));
  CHECK(failure.step.find("processes live in") == 0);
  CHECK(failure.hint.find("/init/cgroup.procs") != std::string::npos);
  CHECK(levels.folder.read("cgroup.subtree_control") == "\n");
  unlink(levels.folder.path("cgroup.type").c_str());
  CHECK(levels.pass_on({needing("pids")}).index() == 0);
}

TEST_CASE("a controller that is not there is an error only for a limit that needs it") {
  const Levels levels("cpu", "cpu");
  CHECK(levels.pass_on({}).index() == 0);
  const Failure failure = std::get<Failure>(levels.pass_on({needing("pids")}));
  CHECK(failure.code == "LIMIT_UNENFORCEABLE");
  CHECK(failure.path == "number of processes");
  CHECK(failure.step == "the pids controller is not delegated to " + levels.folder.path());
  CHECK(failure.hint.find("Delegate=yes") != std::string::npos);
}
