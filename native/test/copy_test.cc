// The writing half of a copy, with archives that the reading half never makes: whatever comes out of a container, it stays where it is put.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "copy/target.h"
#include "sys/tar_writer.h"
#include "test/scratch_folder.h"

using berth::copy::Place;
using berth::copy::Report;
using berth::copy::Request;
using berth::sys::Fd;
using berth::sys::Refusal;
using berth::sys::Result;
using berth::sys::TarEntry;
using berth::sys::TarType;

namespace {

class Archive : public berth::sys::ByteSink, public berth::sys::ByteSource {
 public:
  Result<void> write(std::span<const uint8_t> bytes) override {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return {};
  }
  Result<std::span<const uint8_t>> take(uint64_t at_most) override {
    const size_t count = std::min<size_t>(at_most, bytes_.size() - at_);
    const auto part = std::span<const uint8_t>(bytes_).subspan(at_, count);
    at_ += count;
    return part;
  }

 private:
  std::vector<uint8_t> bytes_;
  size_t at_ = 0;
};

TarEntry entry(const char* name, TarType type, const char* link = "") {
  TarEntry made;
  made.name = name;
  made.type = type;
  made.mode = 0755;
  made.link = link;
  return made;
}

/// The code of the refusal, the number of the error, or nothing.
std::string put(const std::string& target, const std::vector<TarEntry>& entries) {
  Archive archive;
  berth::sys::TarWriter writer(archive);
  for (const TarEntry& each : entries) {
    REQUIRE(writer.begin(each));
    REQUIRE(writer.end());
  }
  REQUIRE(writer.finish());
  Request request;
  request.from = Place::kRunning;
  request.to = Place::kHost;
  request.as = "copied";
  request.to_path = target;
  const Fd root(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  const Fd descriptors(open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC));
  Report report{};
  Refusal refusal;
  const auto outcome = berth::copy::read_into_target(request, root.get(), descriptors.get(),
                                                     archive, report, refusal);
  if (outcome) return "";
  return refusal ? refusal.code() : std::to_string(outcome.error().number);
}

bool there(const std::string& path) {
  struct stat status;
  return lstat(path.c_str(), &status) == 0;
}

}  // namespace

TEST_CASE("whatever comes out of a container stays where it is put") {
  const berth::test::ScratchFolder scratch;
  const std::string base = scratch.path();
  const std::string canary = base + "/canary", target = base + "/target";
  REQUIRE(mkdir(canary.c_str(), 0755) == 0);
  REQUIRE(mkdir(target.c_str(), 0755) == 0);
  std::ofstream(canary + "/file") << "own";
  const TarEntry folder = entry("copied/", TarType::kDirectory);

  SUBCASE("a name with ..") {
    CHECK(put(target, {folder, entry("copied/../../canary/x", TarType::kFile)}) ==
          "ESCAPE_ATTEMPT");
  }
  SUBCASE("a file behind a link that came before it") {
    CHECK(put(target, {folder, entry("copied/link", TarType::kSymlink, canary.c_str()),
                       entry("copied/link/x", TarType::kFile)}) == std::to_string(ELOOP));
  }
  SUBCASE("a folder in the place of a link") {
    CHECK(put(target, {folder, entry("copied/link", TarType::kSymlink, canary.c_str()),
                       entry("copied/link/", TarType::kDirectory)}) == "FILE_IN_THE_WAY");
  }
  SUBCASE("a hard link to what is elsewhere") {
    CHECK(put(target, {folder, entry("copied/x", TarType::kHardLink, "../canary/file")}) ==
          "ESCAPE_ATTEMPT");
    CHECK(put(target, {folder, entry("copied/link", TarType::kSymlink, canary.c_str()),
                       entry("copied/y", TarType::kHardLink, "copied/link/file")}) ==
          std::to_string(ELOOP));
  }
  SUBCASE("a file over a link writes to the file") {
    CHECK(put(target, {folder, entry("copied/x", TarType::kSymlink, (canary + "/file").c_str()),
                       entry("copied/x", TarType::kFile)}) == "");
    struct stat status;
    REQUIRE(lstat((target + "/copied/x").c_str(), &status) == 0);
    CHECK(S_ISREG(status.st_mode));
  }
  SUBCASE("a device is left out") {
    CHECK(put(target, {folder, entry("copied/null", TarType::kDevice)}) == "");
    CHECK_FALSE(there(target + "/copied/null"));
  }

  CHECK_FALSE(there(canary + "/x"));
  struct stat status;
  REQUIRE(stat((canary + "/file").c_str(), &status) == 0);
  CHECK(status.st_nlink == 1);
  CHECK(status.st_size == 3);
}
