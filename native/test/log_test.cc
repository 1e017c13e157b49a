#include <doctest/doctest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include <memory>
#include <regex>
#include <sstream>

#include "init/log_writer.h"
#include "test/scratch_folder.h"

using berth::init::LogWriter;
using berth::init::Stream;
using berth::test::ScratchFolder;

namespace {

constexpr int kPatience = 5000;

/// A container's folder with a log of its own limits.
struct Log {
  Log(const ScratchFolder& folder, uint64_t max_bytes, uint32_t max_files)
      : directory(open(folder.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)),
        ring(new char[LogWriter::kRing]),
        writer(new LogWriter(ring.get())) {
    writer->configure(directory.get(), {max_bytes, max_files});
  }
  void write(const std::string& text, Stream stream = Stream::kStdout) const {
    writer->write(stream, text.data(), text.size(), false);
  }

  berth::sys::Fd directory;
  std::unique_ptr<char[]> ring;
  std::unique_ptr<LogWriter> writer;
};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// `stdout F text` without the time.
std::string untimed(const std::string& record) {
  static const std::regex form(
      "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{9}Z ((stdout|stderr) [PF] [^]*)");
  std::smatch match;
  REQUIRE_MESSAGE(std::regex_match(record, match, form), record);
  return match[1];
}

bool there(const ScratchFolder& folder, const std::string& name) {
  return access(folder.path(name).c_str(), F_OK) == 0;
}

void give_the_disk_time() {
  const timespec moment = {0, 20000000};
  nanosleep(&moment, nullptr);
}

}  // namespace

TEST_CASE("records: streams, partial lines, an end for the last") {
  const ScratchFolder folder;
  const Log log(folder, 1 << 20, 2);
  CHECK_FALSE(there(folder, "logs"));
  log.write("one\ntw");
  log.write("error\n", Stream::kStderr);
  log.write("o\n\nopen");
  log.writer->finish(kPatience);
  CHECK(log.writer->dropped() == 0);
  std::vector<std::string> records;
  for (const auto& line : lines_of(folder.read("logs/log"))) records.push_back(untimed(line));
  CHECK(records == std::vector<std::string>{"stdout F one", "stdout P tw", "stderr F error",
                                            "stdout F o", "stdout F ", "stdout P open",
                                            "stdout F "});
}

TEST_CASE("a long line is split into records of 16 KiB") {
  const ScratchFolder folder;
  const Log log(folder, 1 << 20, 2);
  log.write(std::string(40000, 'x') + "\n");
  log.writer->finish(kPatience);
  const auto lines = lines_of(folder.read("logs/log"));
  REQUIRE(lines.size() == 3);
  CHECK(untimed(lines[0]) == "stdout P " + std::string(16384, 'x'));
  CHECK(untimed(lines[2]) == "stdout F " + std::string(40000 - 2 * 16384, 'x'));
}

TEST_CASE("files are rotated at their size, whole records each, the oldest goes") {
  const ScratchFolder folder;
  const Log log(folder, 4096, 3);
  for (int i = 0; i < 1000; ++i) {
    log.write("line " + std::to_string(i) + "\n");
    if (i % 200 == 0) give_the_disk_time();
  }
  log.writer->finish(kPatience);
  CHECK(log.writer->dropped() == 0);
  CHECK_FALSE(there(folder, "logs/log.3"));
  int expected = 999;
  for (const char* name : {"logs/log", "logs/log.1", "logs/log.2"}) {
    const std::string text = folder.read(name);
    CHECK(text.size() < 4096 + 100);
    CHECK(text.back() == '\n');
    auto lines = lines_of(text);
    for (auto line = lines.rbegin(); line != lines.rend(); ++line)
      CHECK(untimed(*line) == "stdout F line " + std::to_string(expected--));
  }
  CHECK(expected < 999 - 150);
}

TEST_CASE("one file only: it starts anew") {
  const ScratchFolder folder;
  const Log log(folder, 4096, 1);
  for (int i = 0; i < 300; ++i) log.write("line " + std::to_string(i) + "\n");
  log.writer->finish(kPatience);
  CHECK_FALSE(there(folder, "logs/log.1"));
  CHECK(untimed(lines_of(folder.read("logs/log")).back()) == "stdout F line 299");
}

TEST_CASE("what the disk cannot take is dropped and counted; what follows is whole") {
  if (geteuid() != 0) {
    MESSAGE("skipped: root, for a small tmpfs");
    return;
  }
  const ScratchFolder folder;
  const pid_t child = fork();
  if (child == 0) {
    // A disk of some pages, in a mount namespace of its own.
    if (unshare(CLONE_NEWNS) != 0 ||
        mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
      _exit(2);
    if (mount("berth-test", folder.path().c_str(), "tmpfs", 0, "size=64k") != 0) _exit(3);
    const Log log(folder, 1 << 20, 2);
    for (int i = 0; i < 3000; ++i) log.write("early " + std::to_string(i) + "\n");
    for (int tries = 0; log.writer->dropped() == 0 && tries < 200; ++tries) give_the_disk_time();
    for (int tries = 0; tries < 5; ++tries) give_the_disk_time();
    if (mount(nullptr, folder.path().c_str(), nullptr, MS_REMOUNT, "size=1m") != 0) _exit(4);
    log.write("late\n");
    log.writer->finish(kPatience);
    const auto lines = lines_of(folder.read("logs/log"));
    if (log.writer->dropped() == 0) _exit(5);
    for (size_t i = 0; i + 1 < lines.size(); ++i) {
      if (untimed(lines[i]) != "stdout F early " + std::to_string(i)) _exit(6);
    }
    _exit(lines.size() > 500 && untimed(lines.back()) == "stdout F late" ? 0 : 7);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("when the disk stands still nobody waits, and no two lines become one") {
  const ScratchFolder folder;
  // A FIFO that nobody reads from is a disk that takes nothing: opening it blocks the writing thread.
  REQUIRE(mkdir(folder.path("logs").c_str(), 0700) == 0);
  REQUIRE(mkfifo(folder.path("logs/log").c_str(), 0600) == 0);
  const Log log(folder, 1 << 30, 2);
  // Far more than the buffer: long lines in pieces, so that some are kept in part.
  const std::string line = std::string(30000, 'x') + "\n";
  for (int i = 0; i < 40; ++i) log.write(line);
  CHECK(log.writer->dropped() > 40 * 30000 - 300 * 1024);
  const berth::sys::Fd reader(
      open(folder.path("logs/log").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  std::string text;
  const auto drain = [&] {
    char buffer[65536];
    for (int quiet = 0; quiet < 5;) {
      const ssize_t length = read(reader.get(), buffer, sizeof buffer);
      if (length > 0) {
        text.append(buffer, static_cast<size_t>(length));
        quiet = 0;
      } else {
        give_the_disk_time();
        ++quiet;
      }
    }
  };
  drain();
  log.write("after\n");
  drain();
  log.writer->finish(kPatience);
  std::string open_line;
  for (const auto& record : lines_of(text)) {
    const std::string content = untimed(record);
    open_line += content.substr(9);
    if (content[7] == 'P') continue;
    CHECK((open_line == "after" || open_line.size() <= 30000));
    CHECK((open_line == "after" || open_line.find("after") == std::string::npos));
    open_line.clear();
  }
  CHECK(text.find("after\n") != std::string::npos);
}
