#include "sys/disk_sync.h"

#include <sys/stat.h>

#include <doctest/doctest.h>

#include <chrono>
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

/// True once it holds; false when it has not for half a minute.
template <typename Holds>
bool comes_about(Holds holds) {
  using namespace std::chrono_literals;
  for (int i = 0; i < 3000; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(10ms);
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

TEST_CASE("a file that has taken another's name meanwhile is not marked") {
  const ScratchFolder folder;
  folder.write("record", "first", 0600);
  REQUIRE(sys::mark_once_synced(folder.path(), {folder.path("record")}, 0400));
  REQUIRE(rename(folder.path("record").c_str(), folder.path("before").c_str()) == 0);
  folder.write("record", "second", 0600);
  CHECK(comes_about([&] { return mode_of(folder.path("before")) == 0400; }));
  CHECK(mode_of(folder.path("record")) == 0600);
}
