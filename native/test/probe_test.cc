#include "sys/probe.h"

#include <dirent.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "sys/probe_child.h"

using berth::sys::Error;
using berth::sys::kMostProbes;
using berth::sys::Probe;

namespace {

std::vector<Probe> kernel_probes(bool privileged) {
  std::vector<Probe> probes(kMostProbes);
  probes.resize(static_cast<size_t>(berth::sys::probe_kernel(privileged, probes.data())));
  return probes;
}

std::vector<Probe> directory_probes(const std::string& directory) {
  std::vector<Probe> probes(kMostProbes);
  // Leaves its thread in another mount namespace.
  std::thread([&] {
    probes.resize(static_cast<size_t>(
        berth::sys::probe_directory(directory.c_str(), 704643072, probes.data())));
  }).join();
  return probes;
}

const Error& outcome_of(const std::vector<Probe>& probes, const std::string& name) {
  const auto found = std::find_if(probes.begin(), probes.end(),
                                  [&](const Probe& probe) { return name == probe.name; });
  REQUIRE(found != probes.end());
  return found->outcome;
}

std::string read_all(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

int count_entries(const std::string& directory) {
  DIR* stream = opendir(directory.c_str());
  REQUIRE(stream != nullptr);
  int count = 0;
  while (readdir(stream) != nullptr) ++count;
  closedir(stream);
  return count;
}

int open_descriptors() { return count_entries("/proc/self/fd"); }

class Folder {
 public:
  Folder() {
    char name[] = "/var/tmp/berth-test-probe-XXXXXX";
    path_ = mkdtemp(name);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { rmdir(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace

TEST_CASE("what a child answers is what the probe gives back") {
  CHECK(berth::sys::try_in_child("call", 0, [] { return 0; }).number == 0);
  const Error refused = berth::sys::try_in_child("call", 0, [] { return EPERM; });
  CHECK(refused.number == EPERM);
  CHECK(std::string(refused.call) == "call");
  const Error killed = berth::sys::try_in_child("call", 0, [] {
    kill(getpid(), SIGKILL);
    return 0;
  });
  CHECK(killed.number == EIO);
}

TEST_CASE("every probe has a name of its own, and leaves no descriptor and no child") {
  const int before = open_descriptors();
  const auto probes = kernel_probes(geteuid() == 0);
  CHECK(probes.size() == 15);
  for (const Probe& probe : probes) CHECK(&outcome_of(probes, probe.name) == &probe.outcome);
  CHECK(open_descriptors() == before);
  CHECK(waitpid(-1, nullptr, __WALL | WNOHANG) == -1);
  CHECK(errno == ECHILD);
}

TEST_CASE("a namespace kind that the host forbids is found out") {
  if (geteuid() != 0) return;
  // In a user namespace of its own this child has a count of its own of user.max_uts_namespaces.
  const Error outcome = berth::sys::try_in_child("write", CLONE_NEWUSER, [] {
    const int limit = open("/proc/sys/user/max_uts_namespaces", O_WRONLY | O_CLOEXEC);
    if (limit < 0 || write(limit, "0", 1) != 1) return errno;
    Probe probes[kMostProbes];
    const int count = berth::sys::probe_kernel(true, probes);
    for (int i = 0; i < count; ++i) {
      if (std::string_view(probes[i].name) == "namespace uts") {
        return probes[i].outcome.number == ENOSPC ? 0 : EIO;
      }
    }
    return ENOENT;
  });
  CHECK(outcome.number == 0);
}

TEST_CASE("the file system probes leave no file, no mount and no descriptor") {
  if (geteuid() != 0) return;
  const Folder folder;
  const std::string mounts = read_all("/proc/self/mountinfo");
  const int before = open_descriptors();
  const auto probes = directory_probes(folder.path());
  REQUIRE(probes.size() == 3);
  for (const Probe& probe : probes) {
    CAPTURE(probe.name);
    CAPTURE(probe.outcome.call);
    CHECK(probe.outcome.number == 0);
  }
  CHECK(count_entries(folder.path()) == 2);
  CHECK(read_all("/proc/self/mountinfo") == mounts);
  CHECK(open_descriptors() == before);
}

TEST_CASE("a file system that has neither id-mapped mounts nor overlay uppers says so") {
  if (geteuid() != 0) return;
  // proc has no room for a folder; what matters is that all three answer, and that nothing traps.
  const auto probes = directory_probes("/proc");
  REQUIRE(probes.size() == 3);
  for (const Probe& probe : probes) CHECK(probe.outcome.number != 0);
  CHECK(outcome_of(directory_probes("/nonexistent"), "overlay").number == ENOENT);
}

TEST_CASE("an overlay cannot be id-mapped, and the probe on one says so") {
  if (geteuid() != 0) return;
  const Folder folder;
  std::vector<Probe> probes;
  std::thread([&] {
    REQUIRE(unshare(CLONE_FS | CLONE_NEWNS) == 0);
    REQUIRE(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
    REQUIRE(mount("tmpfs", folder.path().c_str(), "tmpfs", 0, nullptr) == 0);
    for (const char* name : {"/l", "/u", "/w", "/m"}) {
      REQUIRE(mkdir((folder.path() + name).c_str(), 0755) == 0);
    }
    REQUIRE(chdir(folder.path().c_str()) == 0);
    REQUIRE(mount("overlay", "m", "overlay", 0, "lowerdir=l,upperdir=u,workdir=w") == 0);
    probes.resize(kMostProbes);
    const std::string merged = folder.path() + "/m";
    probes.resize(
        static_cast<size_t>(berth::sys::probe_directory(merged.c_str(), 704643072, probes.data())));
  }).join();
  CHECK(outcome_of(probes, "idmap").number == EINVAL);
  CHECK(outcome_of(probes, "idmapped overlay").number != 0);
}
