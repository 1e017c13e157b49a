#include "sys/disk_sync.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "scratch_folder.h"

using namespace berth;
using test::ScratchFolder;

namespace {

mode_t mode_of(const std::string& path) {
  struct stat status;
  REQUIRE(stat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

/// True once it holds; false when it has not for half a minute, or until `over`.
template <typename Holds, typename Over>
bool comes_about(Holds holds, Over over) {
  using namespace std::chrono_literals;
  for (int i = 0; i < 3000; ++i) {
    if (holds()) return true;
    if (over()) return false;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

template <typename Holds>
bool comes_about(Holds holds) {
  return comes_about(holds, [] { return false; });
}

/// Has a process that settles files its working directory there?
bool is_settling_in(const std::string& folder) {
  for (const auto& process : std::filesystem::directory_iterator("/proc")) {
    std::error_code gone;
    const auto place = std::filesystem::read_symlink(process.path() / "cwd", gone);
    if (gone || place != folder) continue;
    std::string name;
    std::ifstream(process.path() / "comm") >> name;
    if (name == "berth-settle") return true;
  }
  return false;
}

}  // namespace

TEST_CASE("what is gone needs no disk, what cannot be opened is told") {
  const ScratchFolder folder;
  folder.write("file", "text");
  CHECK(sys::sync_files({folder.path("file"), folder.path("gone"), folder.path()}));
  const auto outcome = sys::sync_files({folder.path("file") + "/below"});
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().number == ENOTDIR);
}

TEST_CASE("files are marked by a process that holds nothing of its maker") {
  const ScratchFolder folder;
  for (const char* name : {"one", "two", "other"}) folder.write(name, "text", 0600);
  int pipe_ends[2];
  REQUIRE(pipe2(pipe_ends, O_CLOEXEC) == 0);
  const sys::Fd reader(pipe_ends[0]);
  sys::Fd writer(pipe_ends[1]);
  REQUIRE(sys::mark_once_synced(
      folder.path(), {folder.path("one"), folder.path("gone"), folder.path("two")}, 0400));
  writer.reset();
  char byte;
  CHECK(read(reader.get(), &byte, 1) == 0);
  CHECK(comes_about(
      [&] { return mode_of(folder.path("one")) == 0400 && mode_of(folder.path("two")) == 0400; }));
  CHECK(mode_of(folder.path("other")) == 0600);
}

TEST_CASE("the process that stays behind keeps no folder of its maker's busy") {
  const ScratchFolder folder;
  folder.write("record", "text", 0600);
  const sys::Fd before(open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  REQUIRE(before);
  REQUIRE(chdir(folder.path().c_str()) == 0);
  const auto begun = sys::mark_once_synced(folder.path(), {folder.path("record")}, 0400);
  REQUIRE(fchdir(before.get()) == 0);
  REQUIRE(begun);
  // It has its name, and still waits for the caller to end.
  CHECK_FALSE(comes_about([&] { return is_settling_in(folder.path()); },
                          [&] { return mode_of(folder.path("record")) == 0400; }));
}

TEST_CASE("a file that has taken another's name meanwhile is not marked") {
  const ScratchFolder folder;
  folder.write("record", "first", 0600);
  REQUIRE(sys::mark_once_synced(folder.path(), {folder.path("record")}, 0400));
  REQUIRE(rename(folder.path("record").c_str(), folder.path("before").c_str()) == 0);
  folder.write("record", "second", 0600);
  CHECK(comes_about([&] { return mode_of(folder.path("before")) == 0400; }));
  CHECK(mode_of(folder.path("record")) == 0600);
}
