// Whatever stands in the memory that a plan is read from, the reader refuses it or gives a plan that can be walked to its end.
#include <cstdint>
#include <memory>

#include "launch/plan_reader.h"
#include "test/sample_plan.h"

namespace {

using namespace berth::launch;

std::string sample() {
  PlanStore store;
  Plan plan;
  berth::test::fill(plan, store);
  return PlanWriter::write(plan);
}

/// Half of the inputs are streams behind a good head; the others are changes to a good plan: three bytes each, where and what, and then its length.
std::string stream_of(const uint8_t* data, size_t size) {
  static const std::string good = sample();
  const uint8_t mode = data[0];
  ++data, --size;
  if (mode % 2 == 0)
    return good.substr(0, 8) + std::string(reinterpret_cast<const char*>(data), size);
  std::string changed = good;
  for (; size >= 3; data += 3, size -= 3)
    changed[(data[0] | data[1] << 8) % changed.size()] = static_cast<char>(data[2]);
  if (size == 2) changed.resize((data[0] | data[1] << 8) % changed.size());
  return changed;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string stream = stream_of(data, size);
  // Of exactly its size, so that the sanitizer sees a byte too much.
  const std::unique_ptr<char[]> copy(new char[stream.size()]);
  memcpy(copy.get(), stream.data(), stream.size());
  constexpr size_t kArena = 1 << 16;
  const std::unique_ptr<char[]> arena(new char[kArena]);
  Plan plan;
  if (PlanReader(copy.get(), stream.size(), arena.get(), kArena).read(plan))
    (void)PlanWriter::write(plan);
  return 0;
}
