#include <dirent.h>
#include <doctest/doctest.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <functional>

#include "launch/seccomp_profile.h"
#include "sys/kernel.h"
#include "test/scratch_folder.h"

using namespace berth::launch;
using berth::test::ScratchFolder;

namespace {

const char* const kProfile =
    R"({"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86_64","SCMP_ARCH_X86"],"syscalls":[
  {"names":["mkdir","no_such_call"],"action":"SCMP_ACT_ERRNO"},
  {"names":["getppid"],"action":"SCMP_ACT_ERRNO","errnoRet":38},
  {"names":["umask"],"action":"SCMP_ACT_ERRNO","args":[{"index":0,"value":64,"valueTwo":64,"op":"SCMP_CMP_MASKED_EQ"}]}]})";

struct Compiled {
  Compiled(SeccompCache& cache, const std::string& profile, const std::string& directory) {
    simdjson::dom::element element;
    REQUIRE(parser.parse(profile).get(element) == simdjson::SUCCESS);
    outcome = cache.compile(Json(element, "seccomp:", faults), directory);
  }
  const SeccompProgram* program() const {
    return faults.any() ? nullptr : std::get_if<SeccompProgram>(&outcome);
  }

  simdjson::dom::parser parser;
  Faults faults;
  std::variant<SeccompProgram, Failure> outcome;
};

/// The status of a child that loads the program and then does `what`.
int under(const SeccompProgram& program, const std::function<int()>& what) {
  const pid_t child = fork();
  if (child == 0) {
    const berth::sys::kernel::SockFprog loaded = {
        static_cast<uint16_t>(program.size()),
        reinterpret_cast<const berth::sys::kernel::SockFilter*>(program.data())};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        berth::sys::kernel::seccomp(1, 0, &loaded) != 0)
      _exit(99);
    _exit(what());
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

std::string only_file(const ScratchFolder& folder) {
  std::string found;
  DIR* stream = opendir(folder.path().c_str());
  while (const dirent* entry = readdir(stream)) {
    if (entry->d_name[0] == '.') continue;
    CHECK(found.empty());
    found = entry->d_name;
  }
  closedir(stream);
  return found;
}

}  // namespace

TEST_CASE("a profile does what it says") {
  SeccompCache cache;
  const Compiled compiled(cache, kProfile, "");
  REQUIRE(compiled.program() != nullptr);
  const auto& program = *compiled.program();
  CHECK(under(program, [] { return syscall(SYS_mkdir, "/", 0) == 0 ? 0 : errno; }) == EPERM);
  CHECK(under(program, [] { return syscall(SYS_getppid) > 0 ? 0 : errno; }) == ENOSYS);
  CHECK(under(program, [] { return syscall(SYS_umask, 0022) >= 0 ? 0 : errno; }) == 0);
  CHECK(under(program, [] { return syscall(SYS_umask, 0100 | 7) >= 0 ? 0 : errno; }) == EPERM);
  CHECK(under(program, [] { return syscall(SYS_getuid) >= 0 ? 0 : 1; }) == 0);
}

TEST_CASE("it is compiled once and kept; what is kept is trusted only whole, root's and private") {
  const ScratchFolder folder;
  SeccompProgram program;
  {
    SeccompCache cache;
    const Compiled first(cache, kProfile, folder.path());
    REQUIRE(first.program() != nullptr);
    program = *first.program();
  }
  const std::string file = only_file(folder);
  const std::string kept = folder.read(file);
  REQUIRE(kept.size() == 32 + program.size() * 8);

  // A kept program is used as it is: one whose digest holds for other content shows that.
  const auto again = [&] {
    SeccompCache cache;
    const Compiled compiled(cache, kProfile, folder.path());
    REQUIRE(compiled.program() != nullptr);
    return *compiled.program();
  };
  CHECK(again() == program);
  for (const size_t at : {size_t{0}, size_t{40}, kept.size() - 1}) {
    std::string damaged = kept;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    folder.write(file, damaged);
    CHECK(again() == program);
    CHECK(folder.read(file) == kept);
  }
  for (const std::string& damaged :
       {std::string(), kept.substr(0, 32), kept.substr(0, kept.size() - 3),
        kept.substr(0, kept.size() - 8)}) {
    folder.write(file, damaged);
    CHECK(again() == program);
    CHECK(folder.read(file) == kept);
  }
  REQUIRE(chmod(folder.path(file).c_str(), 0644) == 0);
  CHECK(again() == program);
  struct stat status;
  REQUIRE(stat(folder.path(file).c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE(
    "different profiles, different programs; a folder that cannot be written costs nothing else") {
  const ScratchFolder folder;
  folder.write("file", "");
  SeccompCache cache;
  const Compiled one(cache, kProfile, folder.path("file/x"));
  const Compiled other(cache, R"({"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":1})",
                       folder.path("file/x"));
  REQUIRE(one.program() != nullptr);
  REQUIRE(other.program() != nullptr);
  CHECK(*one.program() != *other.program());
}

TEST_CASE("what is no profile is a fault with its place") {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"defaultAction":"SCMP_ACT_NOTIFY"})",
       "seccomp: defaultAction: is no action that berth supports"},
      {R"({})", "seccomp: defaultAction: is missing"},
      {R"({"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_PDP11"]})",
       "seccomp: architectures[0]: is no architecture that berth supports"},
      {R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_X"}]})",
       "seccomp: syscalls[0].action: is no action that berth supports"},
      {R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_ERRNO","args":[{"index":9,"value":1,"op":"SCMP_CMP_EQ"}]}]})",
       "seccomp: syscalls[0].args[0].index: must lie between 0 and 5"},
      {R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_ERRNO","args":[{"index":0,"value":1,"op":"SAME"}]}]})",
       "seccomp: syscalls[0].args[0].op: is no comparison"},
  };
  for (const auto& each : cases) {
    const auto& profile = each.first;
    const auto& fault = each.second;
    CAPTURE(profile);
    SeccompCache cache;
    CHECK(Compiled(cache, profile, "").faults.first() == fault);
  }
}
