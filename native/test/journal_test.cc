#include "sys/journal.h"

#include <doctest/doctest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include <vector>

#include "test/scratch_folder.h"

using berth::sys::append_to_journal;
using berth::sys::kJournalFileBytes;
using berth::test::ScratchFolder;

namespace {

bool append(int root, const std::string& line) {
  return static_cast<bool>(append_to_journal(root, line.data(), line.size()));
}

}  // namespace

TEST_CASE(
    "many write to the journal at once, while its files change: each line is whole, and none is "
    "lost") {
  const ScratchFolder folder;
  constexpr int kWriters = 4, kLines = 100;
  const std::string filling(kJournalFileBytes / 256, '.');
  std::vector<pid_t> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    const pid_t child = fork();
    if (child == 0) {
      const berth::sys::Fd root(open(folder.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
      bool all = true;
      for (int i = 0; i < kLines; ++i)
        all &= append(root.get(), std::to_string(writer) + filling + "\n");
      _exit(all ? 0 : 1);
    }
    writers.push_back(child);
  }
  for (const pid_t writer : writers) {
    int status = 0;
    REQUIRE(waitpid(writer, &status, 0) == writer);
    CHECK(WEXITSTATUS(status) == 0);
  }
  // 400 lines of a 256th of a file each: two files.
  std::string text = folder.read("events/1.jsonl") + folder.read("events/2.jsonl");
  CHECK(access(folder.path("events/3.jsonl").c_str(), F_OK) != 0);
  int counts[kWriters] = {};
  while (!text.empty()) {
    const size_t end = text.find('\n');
    REQUIRE(end == filling.size() + 1);
    REQUIRE(text.compare(1, filling.size(), filling) == 0);
    const int writer = text[0] - '0';
    REQUIRE((writer >= 0 && writer < kWriters));
    ++counts[writer];
    text.erase(0, end + 1);
  }
  for (const int count : counts) CHECK(count == kLines);
}

TEST_CASE("files that only begin like those of the journal made every writer spin") {
  const ScratchFolder folder;
  const berth::sys::Fd root(open(folder.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  REQUIRE(append(root.get(), "first\n"));
  for (const char* name : {"events/2026-11.tar.gz", "events/7.jsonl.gz", "events/007.jsonl"}) {
    const berth::sys::Fd other(
        open(folder.path(name).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    REQUIRE(other);
  }
  CHECK(append(root.get(), "second\n"));
  CHECK(folder.read("events/1.jsonl") == "first\nsecond\n");
}

TEST_CASE("a disk that is full takes events still") {
  if (geteuid() != 0) {
    MESSAGE("skipped: root, for a small tmpfs");
    return;
  }
  const ScratchFolder folder;
  const pid_t child = fork();
  if (child == 0) {
    if (unshare(CLONE_NEWNS) != 0 ||
        mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
      _exit(2);
    if (mount("berth-test", folder.path().c_str(), "tmpfs", 0, "size=2m") != 0) _exit(3);
    const berth::sys::Fd root(open(folder.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!append(root.get(), "first\n")) _exit(4);
    const berth::sys::Fd hog(
        open(folder.path("hog").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    const std::string page(4096, 'h');
    while (write(hog.get(), page.data(), page.size()) > 0) {
    }
    if (!append(root.get(), page + "\n") || !append(root.get(), "last\n")) _exit(5);
    _exit(folder.read("events/1.jsonl") == "first\n" + page + "\nlast\n" ? 0 : 6);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WEXITSTATUS(status) == 0);
}
