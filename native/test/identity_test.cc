#include "init/identity.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <vector>

#include "test/scratch_folder.h"

using berth::init::Identity;
using berth::test::ScratchFolder;

namespace {

const char* const kPasswd =
    "root:x:0:0:root:/root:/bin/sh\n"
    "\n"
    "broken:x:12\n"
    "negative:x:-5:0::/:\n"
    "huge:x:4294967295:0::/:\n"
    "1000:x:0:0:digits:/:\n"
    "web:x:33:34:web:/srv/web:/bin/sh\n"
    "web:x:44:44:again:/:\n"
    "relative:x:50:50::home:\n";
const char* const kGroup =
    "root:x:0:\nweb:x:34:\nadm:x:4:other,web\nempty:x:5:\nweb2:x:6:webb,we\nsame:x:4:web\nbad:x:x:"
    "web\n";

struct Outcome {
  int error = 0;
  Identity identity;
};

/// As a container's first process sees it: `folder` is the root. In a child, since there is no way back from chroot.
Outcome find_in(const ScratchFolder& folder, const berth::launch::Process& process) {
  int ends[2];
  REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
  const berth::sys::Fd reading(ends[0]), writing(ends[1]);
  const pid_t child = fork();
  if (child == 0) {
    Outcome outcome;
    if (chroot(folder.path().c_str()) != 0 || chdir("/") != 0) _exit(1);
    berth::init::Progress progress;
    if (const auto found = find_identity(process, outcome.identity, progress); !found)
      outcome.error = found.error().number;
    _exit(write(writing.get(), &outcome, sizeof outcome) == sizeof outcome ? 0 : 1);
  }
  Outcome outcome;
  REQUIRE(read(reading.get(), &outcome, sizeof outcome) == sizeof outcome);
  REQUIRE(waitpid(child, nullptr, 0) == child);
  return outcome;
}

Outcome find_in(const ScratchFolder& folder, const std::string& user) {
  berth::launch::Process process;
  process.user = user.c_str();
  return find_in(folder, process);
}

struct Image : ScratchFolder {
  explicit Image(const std::string& passwd = kPasswd) {
    REQUIRE(mkdir(path("etc").c_str(), 0755) == 0);
    write("etc/passwd", passwd);
    write("etc/group", kGroup);
  }
};

std::vector<gid_t> groups_of(const Identity& identity) {
  return {identity.groups, identity.groups + identity.group_count};
}

}  // namespace

TEST_CASE("users and groups by name and number") {
  if (geteuid() != 0) {
    MESSAGE("skipped: root, for chroot");
    return;
  }
  const Image image;
  struct Row {
    const char* user;
    uid_t uid;
    gid_t gid;
    const char* home;
    std::vector<gid_t> groups;
  };
  const Row rows[] = {
      {"web", 33, 34, "/srv/web", {4}},
      {"33", 33, 34, "/srv/web", {4}},
      {"web:adm", 33, 4, "/srv/web", {}},
      {"33:77", 33, 77, "/srv/web", {}},
      {"web:", 33, 34, "/srv/web", {4}},
      {"root", 0, 0, "/root", {}},
      {"77", 77, 0, "/", {}},
      {"77:78", 77, 78, "/", {}},
      {":adm", 0, 4, "/root", {}},
      {"relative", 50, 50, "/", {}},
      {"1000", 1000, 0, "/", {}},
      {"4294967294", 4294967294, 0, "/", {}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.user);
    const Outcome found = find_in(image, row.user);
    CHECK(found.error == 0);
    CHECK(found.identity.uid == row.uid);
    CHECK(found.identity.gid == row.gid);
    CHECK(std::string(found.identity.home) == row.home);
    CHECK(groups_of(found.identity) == row.groups);
  }
}

TEST_CASE("the owner of a file of the image") {
  if (geteuid() != 0) return;
  const Image image;
  image.write("tool", "");
  REQUIRE(chown(image.path("tool").c_str(), 70, 71) == 0);
  const Outcome found = find_in(image, "/tool:/tool");
  CHECK(found.error == 0);
  CHECK(found.identity.uid == 70);
  CHECK(found.identity.gid == 71);
  CHECK(find_in(image, "/none").error == ENOENT);
  CHECK(find_in(image, "web:/none").error == ENOENT);
}

TEST_CASE("what is no user, and what is no number") {
  if (geteuid() != 0) return;
  const Image image;
  for (const char* user : {"nobody", "web:nobody", "broken", "negative", "huge", "bad:bad", "web\n",
                           "-1", "0x10", "1 "}) {
    CAPTURE(user);
    CHECK(find_in(image, user).error == ENOENT);
  }
  for (const char* user :
       {"4294967295", "4294967296", "99999999999999999999999999", "1:4294967296"}) {
    CAPTURE(user);
    CHECK(find_in(image, user).error == ERANGE);
  }
  // Cut off at the size of a buffer these would name somebody else: 0, in the second case.
  CHECK(find_in(image, std::string(300, 'w')).error == ENOENT);
  CHECK(find_in(image, std::string(130, '0') + "1000").error != 0);
}

TEST_CASE("the plan's numbers are final when no user is named") {
  if (geteuid() != 0) return;
  const Image image;
  uint32_t groups[] = {7, 8, 7};
  berth::launch::Process process;
  process.uid = 33;
  process.gid = 99;
  process.groups = {groups, 3};
  const Outcome found = find_in(image, process);
  CHECK(found.identity.uid == 33);
  CHECK(found.identity.gid == 99);
  CHECK(std::string(found.identity.home) == "/srv/web");
  CHECK(groups_of(found.identity) == std::vector<gid_t>{7, 8});
}

TEST_CASE("account files that are none, or have no end") {
  if (geteuid() != 0) return;
  const ScratchFolder empty;
  CHECK(find_in(empty, "web").error == ENOENT);
  CHECK(find_in(empty, "5").identity.uid == 5);

  const Image image;
  REQUIRE(unlink(image.path("etc/passwd").c_str()) == 0);
  REQUIRE(mkfifo(image.path("etc/passwd").c_str(), 0644) == 0);
  CHECK(find_in(image, "web").error == ENOENT);
  REQUIRE(unlink(image.path("etc/passwd").c_str()) == 0);
  REQUIRE(mkdir(image.path("etc/passwd").c_str(), 0755) == 0);
  CHECK(find_in(image, "web").error == ENOENT);

  const Image no_newline("last:x:5:6::/l:/bin/sh");
  CHECK(find_in(no_newline, "last").identity.gid == 6);
  // A line longer than the buffer is passed over, what follows it is not; beyond the first MiB nothing is read.
  const Image long_line(std::string(20000, 'x') + ":x:1:1::/:\nafter:x:7:7::/:\n");
  CHECK(find_in(long_line, "after").identity.uid == 7);
  std::string many;
  while (many.size() < (1 << 20) + 20000)
    many += "u" + std::to_string(many.size()) + ":x:9:9::/:/bin/sh\n";
  const Image without_end(many + "late:x:8:8::/:\n");
  CHECK(find_in(without_end, "late").error == ENOENT);
  CHECK(find_in(without_end, "u0").identity.uid == 9);
}

TEST_CASE("more groups than there is room for are refused, not cut off") {
  if (geteuid() != 0) return;
  const Image image;
  std::string groups;
  for (int i = 0; i < 65; ++i)
    groups += "g" + std::to_string(i) + ":x:" + std::to_string(100 + i) + ":web\n";
  image.write("etc/group", groups);
  CHECK(find_in(image, "web").error == E2BIG);
}
