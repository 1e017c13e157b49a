#include "sys/remove_tree.h"

#include <doctest/doctest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <string>
#include <thread>
#include <vector>

#include "test/scratch_folder.h"

using berth::sys::remove_tree;
using berth::test::ScratchFolder;

namespace {

bool there(const std::string& path) {
  struct stat status;
  return lstat(path.c_str(), &status) == 0;
}

}  // namespace

TEST_CASE("whatever it is, it goes; what is not there is gone") {
  const ScratchFolder folder;
  folder.write("file", "x");
  REQUIRE(mkfifo(folder.path("fifo").c_str(), 0600) == 0);
  REQUIRE(mkdir(folder.path("empty").c_str(), 0) == 0);
  for (const char* name : {"file", "fifo", "empty", "nothing"}) {
    CHECK(remove_tree(AT_FDCWD, folder.path(name).c_str()));
    CHECK_FALSE(there(folder.path(name)));
  }
}

TEST_CASE("a symbolic link is removed, never followed") {
  const ScratchFolder folder;
  REQUIRE(mkdir(folder.path("kept").c_str(), 0755) == 0);
  folder.write("kept/file", "x");
  REQUIRE(mkdir(folder.path("tree").c_str(), 0755) == 0);
  REQUIRE(symlink(folder.path("kept").c_str(), folder.path("tree/link").c_str()) == 0);
  REQUIRE(symlink(folder.path("kept").c_str(), folder.path("link").c_str()) == 0);
  CHECK(remove_tree(AT_FDCWD, folder.path("tree").c_str()));
  CHECK(remove_tree(AT_FDCWD, folder.path("link").c_str()));
  CHECK(folder.read("kept/file") == "x");
}

TEST_CASE("many entries, and deeper than descriptors and path length allow") {
  const ScratchFolder folder;
  REQUIRE(mkdir(folder.path("tree").c_str(), 0755) == 0);
  for (int i = 0; i < 3000; ++i) folder.write("tree/" + std::to_string(i), "");
  berth::sys::Fd at(open(folder.path("tree").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (int i = 0; i < 3000; ++i) {
    REQUIRE(mkdirat(at.get(), "deeper-and-deeper", 0755) == 0);
    at.reset(openat(at.get(), "deeper-and-deeper", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  at.reset();
  rlimit before;
  getrlimit(RLIMIT_NOFILE, &before);
  const rlimit few = {120, before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &few);
  const auto removed = remove_tree(AT_FDCWD, folder.path("tree").c_str());
  setrlimit(RLIMIT_NOFILE, &before);
  CHECK(removed);
  CHECK_FALSE(there(folder.path("tree")));
}

TEST_CASE("what is mounted inside is somebody else's") {
  if (geteuid() != 0) {
    MESSAGE("skipped: root, to mount something");
    return;
  }
  const ScratchFolder folder;
  REQUIRE(mkdir(folder.path("tree").c_str(), 0755) == 0);
  REQUIRE(mkdir(folder.path("tree/mounted").c_str(), 0755) == 0);
  const pid_t child = fork();
  if (child == 0) {
    const std::string mounted = folder.path("tree/mounted"), file = mounted + "/file";
    if (unshare(CLONE_NEWNS) != 0 ||
        mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
      _exit(2);
    if (mount("berth-test", mounted.c_str(), "tmpfs", 0, nullptr) != 0) _exit(3);
    close(open(file.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    const auto outcome = remove_tree(AT_FDCWD, folder.path("tree").c_str());
    _exit(!outcome && (outcome.error().number == EBUSY || outcome.error().number == EXDEV) &&
                  there(file)
              ? 0
              : 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

TEST_CASE("several may remove one tree at once") {
  const ScratchFolder folder;
  for (int round = 0; round < 40; ++round) {
    const std::string tree = folder.path("tree");
    REQUIRE(mkdir(tree.c_str(), 0700) == 0);
    for (int i = 0; i < 60; ++i) {
      const std::string below = tree + "/" + std::to_string(i);
      REQUIRE(mkdir(below.c_str(), 0700) == 0);
      REQUIRE(mkdir((below + "/deeper").c_str(), 0700) == 0);
    }
    int failures[3] = {};
    std::vector<std::thread> removers;
    for (int& failure : failures) {
      removers.emplace_back([&failure, &tree] {
        const auto outcome = remove_tree(AT_FDCWD, tree.c_str());
        failure = outcome ? 0 : outcome.error().number;
      });
    }
    for (std::thread& remover : removers) remover.join();
    for (const int failure : failures) CHECK(failure == 0);
    CHECK(access(tree.c_str(), F_OK) != 0);
  }
}
