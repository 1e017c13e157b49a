#include "sys/sealed_file.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "sys/kernel.h"

using berth::sys::Fd;
using berth::sys::same_program;
using berth::sys::sealed_file;
using berth::sys::sealed_program;

namespace {

constexpr const char* kProgram = "/proc/self/exe";
constexpr mode_t kProgramMode = 0111;

std::string path_of(const Fd& fd) { return "/proc/self/fd/" + std::to_string(fd.get()); }

std::string content_of(int file) {
  struct stat status;
  REQUIRE(fstat(file, &status) == 0);
  std::string text(static_cast<size_t>(status.st_size), '\0');
  REQUIRE(pread(file, text.data(), text.size(), 0) == status.st_size);
  return text;
}

bool is_taken(const Fd& candidate, const Fd& source) {
  return static_cast<bool>(same_program(path_of(candidate).c_str(), source.get()));
}

}  // namespace

TEST_CASE("a sealed program is found again by its content") {
  const Fd source(open(kProgram, O_RDONLY | O_CLOEXEC));
  auto sealed = sealed_program(kProgram);
  REQUIRE(sealed);
  auto again = same_program(path_of(*sealed).c_str(), source.get());
  REQUIRE(again);
  struct stat first, second;
  REQUIRE(fstat(sealed->get(), &first) == 0);
  REQUIRE(fstat(again->get(), &second) == 0);
  CHECK(first.st_ino == second.st_ino);
  CHECK(write(again->get(), "x", 1) < 0);
}

TEST_CASE("what is not exactly that program, sealed for good, is not taken for it") {
  const Fd source(open(kProgram, O_RDONLY | O_CLOEXEC));
  const std::string content = content_of(source.get());

  // The very file, which somebody may write to.
  CHECK_FALSE(is_taken(source, source));
  Fd open_copy(memfd_create("copy", MFD_ALLOW_SEALING));
  REQUIRE(write(open_copy.get(), content.data(), content.size()) ==
          static_cast<ssize_t>(content.size()));
  REQUIRE(fchmod(open_copy.get(), kProgramMode) == 0);
  CHECK_FALSE(is_taken(open_copy, source));
  // All seals but the one against writing.
  REQUIRE(fcntl(open_copy.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0);
  CHECK_FALSE(is_taken(open_copy, source));

  std::string other = content;
  other.back() = static_cast<char>(other.back() + 1);
  auto changed = sealed_file("other", other.data(), other.size(), kProgramMode);
  REQUIRE(changed);
  CHECK_FALSE(is_taken(*changed, source));
  auto shorter = sealed_file("short", content.data(), content.size() - 1, kProgramMode);
  REQUIRE(shorter);
  CHECK_FALSE(is_taken(*shorter, source));
  auto readable = sealed_file("readable", content.data(), content.size(), 0555);
  REQUIRE(readable);
  CHECK_FALSE(is_taken(*readable, source));
  CHECK_FALSE(same_program("/proc/self/nothing", source.get()));

  auto sealed = sealed_file("sealed", content.data(), content.size(), kProgramMode);
  REQUIRE(sealed);
  CHECK(is_taken(*sealed, source));
  if (geteuid() != 0) return;
  // Somebody else's could be made readable by that somebody.
  REQUIRE(fchown(sealed->get(), 1, 1) == 0);
  CHECK_FALSE(is_taken(*sealed, source));
}
