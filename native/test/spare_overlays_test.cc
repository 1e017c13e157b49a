#include "launch/spare_overlays.h"

#include <fcntl.h>

#include <doctest/doctest.h>

using namespace berth;
using launch::SpareOverlays;

namespace {

sys::Fd some_file() { return sys::Fd(open("/dev/null", O_RDONLY | O_CLOEXEC)); }

/// Is one kept that comes where there are so many ranges of ids?
bool keeps(uint32_t ranges) {
  constexpr uint32_t kSize = 65536;
  constexpr pid_t kSupervisor = 4711;
  SpareOverlays spares;
  CHECK_FALSE(spares.claim("layer\n", "/dev/null", 0, kSize, ranges));
  SpareOverlays::Kind kind;
  kind.layers = "layer\n";
  spares.expect(kSupervisor, "id", kind);
  spares.keep(kSupervisor, some_file(), some_file());
  return spares.clear();
}

}  // namespace

TEST_CASE("a spare overlay keeps no range of ids that others may miss") {
  CHECK(keeps(SpareOverlays::kFewestRanges));
  CHECK_FALSE(keeps(SpareOverlays::kFewestRanges - 1));
}
