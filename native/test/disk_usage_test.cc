#include "sys/disk_usage.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/scratch_folder.h"

using berth::sys::DiskUsage;
using berth::test::ScratchFolder;

namespace {

uint64_t blocks_of(const std::string& path) {
  struct stat status;
  REQUIRE(lstat(path.c_str(), &status) == 0);
  return static_cast<uint64_t>(status.st_blocks) * 512;
}

uint64_t usage_of(const std::string& path) {
  DiskUsage usage;
  auto size = usage.add(path);
  REQUIRE(size);
  return *size;
}

}  // namespace

TEST_CASE("a tree takes the blocks of its files, each file once, however many names it has") {
  const ScratchFolder folder;
  REQUIRE(mkdir(folder.path("tree").c_str(), 0755) == 0);
  REQUIRE(mkdir(folder.path("other").c_str(), 0755) == 0);
  const uint64_t empty = usage_of(folder.path("tree"));
  CHECK(empty == blocks_of(folder.path("tree")));
  folder.write("tree/file", std::string(100000, 'x'));
  const uint64_t file = blocks_of(folder.path("tree/file"));
  REQUIRE(file >= 100000);
  REQUIRE(link(folder.path("tree/file").c_str(), folder.path("tree/again").c_str()) == 0);
  REQUIRE(link(folder.path("tree/file").c_str(), folder.path("other/third").c_str()) == 0);
  REQUIRE(symlink("/", folder.path("tree/link").c_str()) == 0);
  const uint64_t links = blocks_of(folder.path("tree/link"));
  CHECK(usage_of(folder.path("tree")) == blocks_of(folder.path("tree")) + file + links);

  DiskUsage both;
  CHECK(*both.add(folder.path("tree")) == blocks_of(folder.path("tree")) + file + links);
  CHECK(*both.add(folder.path("other")) == blocks_of(folder.path("other")));
  CHECK(*both.add(folder.path("nothing")) == 0);
}

TEST_CASE("of a sparse file what is there counts") {
  const ScratchFolder folder;
  folder.write("sparse", "");
  REQUIRE(truncate(folder.path("sparse").c_str(), off_t{1} << 40) == 0);
  CHECK(usage_of(folder.path("sparse")) < 1 << 20);
}

TEST_CASE("a tree may be deeper than descriptors and paths allow") {
  const ScratchFolder folder;
  berth::sys::Fd here(open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  constexpr int kDeep = 3000;
  for (int i = 0; i < kDeep; ++i) {
    REQUIRE(mkdirat(here.get(), "deep", 0755) == 0);
    here.reset(openat(here.get(), "deep", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    REQUIRE(here);
  }
  const berth::sys::Fd file(openat(here.get(), "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  const std::string text(1 << 16, 'x');
  REQUIRE(write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  CHECK(usage_of(folder.path()) >= text.size());
}
