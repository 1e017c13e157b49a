#include <doctest/doctest.h>

#include <algorithm>
#include <memory>

#include "launch/plan_reader.h"
#include "test/sample_plan.h"

using namespace berth::launch;

namespace {

constexpr size_t kArena = 1 << 16;

/// Reads from a copy of exactly its size, so that the sanitizer sees a byte too much.
bool reads(const std::string& stream, Plan& plan, std::unique_ptr<char[]>& arena,
           std::unique_ptr<char[]>& copy, size_t arena_size = kArena) {
  copy.reset(new char[stream.size()]);
  memcpy(copy.get(), stream.data(), stream.size());
  arena.reset(new char[arena_size]);
  return PlanReader(copy.get(), stream.size(), arena.get(), arena_size).read(plan);
}

bool reads(const std::string& stream, size_t arena_size = kArena) {
  Plan plan;
  std::unique_ptr<char[]> arena, copy;
  return reads(stream, plan, arena, copy, arena_size);
}

std::string sample() {
  PlanStore store;
  Plan plan;
  berth::test::fill(plan, store);
  return PlanWriter::write(plan);
}

std::string number(uint32_t value) { return {reinterpret_cast<const char*>(&value), sizeof value}; }

}  // namespace

TEST_CASE("a plan that was written is read the same") {
  const std::string stream = sample();
  Plan plan;
  std::unique_ptr<char[]> arena, copy;
  REQUIRE(reads(stream, plan, arena, copy));
  CHECK(PlanWriter::write(plan) == stream);
  CHECK(std::string(plan.process.args.items[2]) == "true");
  CHECK(plan.process.oom_score == -500);
  CHECK(plan.gids.items[1].outside == 131072);
  CHECK(plan.mounts.items[0].kind == MountKind::kBind);
  CHECK(std::string(plan.mounts.items[0].options.items[1].key) == "ro");
  CHECK(plan.network.attachments.items[0].addresses.items[0].words[0] == 0x0200580a);
  CHECK(plan.network.publish.items[1] == 0x10010a0c);
  CHECK(plan.seccomp.items[1] == 0x7fff000000000006);
}

TEST_CASE("a plan that is cut short, anywhere, is refused; so is one with something behind it") {
  const std::string stream = sample();
  for (size_t length = 0; length < stream.size(); ++length)
    CHECK_FALSE(reads(stream.substr(0, length)));
  CHECK_FALSE(reads(stream + '\0'));
}

TEST_CASE("no single wrong byte makes the reader fail otherwise than by refusing") {
  const std::string stream = sample();
  for (size_t at = 0; at < stream.size(); ++at) {
    for (const int value : {0, 1, 0x7f, 0xff}) {
      std::string wrong = stream;
      wrong[at] = static_cast<char>(value);
      Plan plan;
      std::unique_ptr<char[]> arena, copy;
      // What it accepts can be walked to the end: the sanitizer watches.
      if (reads(wrong, plan, arena, copy)) CHECK(PlanWriter::write(plan).size() == stream.size());
    }
  }
}

TEST_CASE("another format, another magic") {
  std::string stream = sample();
  const std::string format = number(kPlanFormat + 1);
  std::copy(format.begin(), format.end(), stream.begin() + 4);
  CHECK_FALSE(reads(stream));
  CHECK_FALSE(reads("XLPB" + sample().substr(4)));
}

TEST_CASE("lies about sizes") {
  const std::string stream = sample();
  const std::string head = stream.substr(0, 8);
  // The first string's length.
  CHECK_FALSE(reads(head + number(0xffffffff) + stream.substr(12)));
  CHECK_FALSE(reads(head + number(11) + stream.substr(12)));  // no NUL behind it
  CHECK_FALSE(reads(head + number(12) +
                    std::string("0123\0"
                                "56789ab",
                                12) +
                    stream.substr(24)));
  // A list of more items than bytes are left, and one that is larger than the arena.
  const size_t masked = stream.find(std::string("\x0b\0\0\0/proc/kcore", 15)) - 4;
  REQUIRE(masked < stream.size());
  for (const uint32_t count : {0xffffffffU, 0x20000000U, 100000U}) {
    std::string wrong = stream;
    wrong.replace(masked, 4, number(count));
    CHECK_FALSE(reads(wrong));
  }
  size_t least = 0;
  while (!reads(stream, least)) least += 8;
  CHECK(least > 100);
  CHECK(least < kArena);
}
