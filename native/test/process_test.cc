#include "sys/process.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <ctime>
#include <string>

#include "sys/kernel.h"

using berth::sys::Fd;
using berth::sys::open_process;
using berth::sys::start_time;

namespace {

Fd open_proc() { return Fd(open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC)); }

/// A child that sleeps until it is killed, and has ended by the end of its scope.
class Sleeper {
 public:
  explicit Sleeper(const char* name = nullptr) : pid_(fork()) {
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (name != nullptr) prctl(PR_SET_NAME, name);
      for (;;) pause();
    }
  }
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;
  ~Sleeper() { end(); }
  pid_t pid() const { return pid_; }
  void end() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  pid_t pid_;
};

/// A stand-in for /proc with one process, 1, whose `stat` reads as given.
class FakeProc {
 public:
  explicit FakeProc(const std::string& stat) {
    char name[] = "/tmp/berth-test-proc-XXXXXX";
    path_ = mkdtemp(name);
    mkdir((path_ + "/1").c_str(), 0700);
    const Fd file(open((path_ + "/1/stat").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    CHECK(write(file.get(), stat.data(), stat.size()) == static_cast<ssize_t>(stat.size()));
    directory_.reset(open(path_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  }
  FakeProc(const FakeProc&) = delete;
  FakeProc& operator=(const FakeProc&) = delete;
  ~FakeProc() {
    unlink((path_ + "/1/stat").c_str());
    rmdir((path_ + "/1").c_str());
    rmdir(path_.c_str());
  }
  int fd() const { return directory_.get(); }

 private:
  std::string path_;
  Fd directory_;
};

}  // namespace

TEST_CASE("the start time lies between two readings of the clock, and stays") {
  const Fd proc = open_proc();
  const auto now = [] {
    timespec time{};
    clock_gettime(CLOCK_BOOTTIME, &time);
    return static_cast<uint64_t>(time.tv_sec) * 100 +
           static_cast<uint64_t>(time.tv_nsec) / 10'000'000;
  };
  REQUIRE(sysconf(_SC_CLK_TCK) == 100);
  const uint64_t before = now();
  const Sleeper child;
  const uint64_t after = now();
  auto first = start_time(proc.get(), child.pid());
  REQUIRE(first);
  CHECK(*first >= before);
  CHECK(*first <= after);
  auto again = start_time(proc.get(), child.pid());
  REQUIRE(again);
  CHECK(*again == *first);
}

TEST_CASE("a command name with spaces and parentheses does not shift the fields") {
  const Fd proc = open_proc();
  const Sleeper plain;
  const Sleeper odd(") R 1 1 1 (");
  auto expected = start_time(proc.get(), plain.pid());
  auto found = start_time(proc.get(), odd.pid());
  REQUIRE(expected);
  REQUIRE(found);
  CHECK(*found >= *expected);
  CHECK(*found <= *expected + 100);
}

TEST_CASE("a stat file that ends too soon is refused") {
  for (const char* text :
       {"", "1", "1 (a", "1 (a) S 2 3", "1 (a) S 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0"}) {
    const FakeProc proc(text);
    const auto found = start_time(proc.fd(), 1);
    REQUIRE_FALSE(found);
    CHECK(found.error().number == EPROTO);
  }
  const FakeProc whole("1 (a) S 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 4711 0");
  auto found = start_time(whole.fd(), 1);
  REQUIRE(found);
  CHECK(*found == 4711);
}

TEST_CASE("a process is opened by pid and start time; another holder of the pid is not") {
  const Fd proc = open_proc();
  Sleeper child;
  const pid_t pid = child.pid();
  auto started = start_time(proc.get(), pid);
  REQUIRE(started);

  const auto stranger = open_process(proc.get(), pid, *started + 1);
  REQUIRE_FALSE(stranger);
  CHECK(stranger.error().number == ESRCH);

  auto pidfd = open_process(proc.get(), pid, *started);
  REQUIRE(pidfd);
  pollfd ended{pidfd->get(), POLLIN, 0};
  CHECK(poll(&ended, 1, 0) == 0);
  CHECK(berth::sys::kernel::pidfd_send_signal(pidfd->get(), SIGKILL) == 0);
  CHECK(poll(&ended, 1, 5000) == 1);

  child.end();
  const auto gone = open_process(proc.get(), pid, *started);
  REQUIRE_FALSE(gone);
  CHECK(gone.error().number == ESRCH);
  CHECK(start_time(proc.get(), pid).error().number == ESRCH);
}
