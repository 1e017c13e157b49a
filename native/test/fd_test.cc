#include "sys/fd.h"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <utility>

using berth::sys::adopt;
using berth::sys::Fd;

namespace {

int open_null() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }
bool is_open(int number) { return fcntl(number, F_GETFD) >= 0; }

}  // namespace

TEST_CASE("a descriptor closes itself at the end of its scope") {
  int number = -1;
  {
    const Fd fd(open_null());
    number = fd.get();
    REQUIRE(fd);
    CHECK(is_open(number));
  }
  CHECK_FALSE(is_open(number));
}

TEST_CASE("moving hands the descriptor over; the old owner keeps none") {
  Fd first(open_null());
  const int number = first.get();
  Fd second(std::move(first));
  CHECK_FALSE(
      first);  // NOLINT(bugprone-use-after-move): an empty Fd is what a moved one promises to be
  CHECK(second.get() == number);

  Fd third(open_null());
  const int replaced = third.get();
  third = std::move(second);
  CHECK_FALSE(is_open(replaced));
  CHECK(third.get() == number);

  Fd& same = third;
  third = std::move(same);
  CHECK(is_open(number));
}

TEST_CASE("release gives the descriptor away open, reset closes it") {
  Fd fd(open_null());
  const int number = fd.release();
  CHECK_FALSE(fd);
  CHECK(is_open(number));
  fd.reset(number);
  fd.reset();
  CHECK_FALSE(is_open(number));
}

TEST_CASE("adopt turns -1 into the error of its call") {
  auto good = adopt(open_null(), "open");
  REQUIRE(good);
  CHECK(good->get() >= 0);
  const auto bad = adopt(open("/nonexistent", O_RDONLY | O_CLOEXEC), "open");
  REQUIRE_FALSE(bad);
  CHECK(bad.error().number == ENOENT);
}
