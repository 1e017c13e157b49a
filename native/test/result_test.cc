#include "sys/result.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>

using berth::sys::Error;
using berth::sys::last_error;
using berth::sys::Result;
using berth::sys::retry_interrupted;

namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return Error{EINVAL, "half"};
  return number / 2;
}

Result<int> quarter(int number) {
  BERTH_ASSIGN(const int once, half(number));
  BERTH_ASSIGN(const int twice, half(once));
  return twice;
}

Result<void> check_even(int number) {
  BERTH_TRY(half(number));
  return {};
}

}  // namespace

TEST_CASE("a result holds a value or an error") {
  auto good = half(8);
  REQUIRE(good);
  CHECK(*good == 4);
  const auto bad = half(7);
  REQUIRE_FALSE(bad);
  CHECK(bad.error().number == EINVAL);
  CHECK(std::string(bad.error().call) == "half");
}

TEST_CASE("an error leaves the calling function, a value goes on") {
  auto good = quarter(8);
  REQUIRE(good);
  CHECK(*good == 2);
  CHECK_FALSE(quarter(6));
  CHECK(check_even(2));
  REQUIRE_FALSE(check_even(3));
  CHECK(check_even(3).error().number == EINVAL);
}

TEST_CASE("a result moves what it owns, and lets go of it once") {
  auto owner = std::make_shared<int>(5);
  const std::weak_ptr<int> watch = owner;
  {
    Result<std::shared_ptr<int>> first(std::move(owner));
    const Result<std::shared_ptr<int>> second(std::move(first));
    REQUIRE(second);
    CHECK(watch.use_count() == 1);
  }
  CHECK(watch.expired());
}

TEST_CASE("the last error is errno and the name of the call") {
  errno = ENOSPC;
  const Error error = last_error("write");
  CHECK(error.number == ENOSPC);
  CHECK(std::string(error.call) == "write");
}

TEST_CASE("an interrupted call is tried again, another failure is not") {
  int attempts = 0;
  const long done = retry_interrupted([&]() -> long {
    if (++attempts < 3) {
      errno = EINTR;
      return -1;
    }
    return 7;
  });
  CHECK(done == 7);
  CHECK(attempts == 3);

  attempts = 0;
  const long failed = retry_interrupted([&]() -> long {
    ++attempts;
    errno = EIO;
    return -1;
  });
  CHECK(failed == -1);
  CHECK(attempts == 1);
}
