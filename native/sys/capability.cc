#include "sys/capability.h"

#include <sys/prctl.h>

#include "sys/kernel.h"

namespace berth::sys {

Result<CapabilitySets> get_capabilities() {
  kernel::CapHeader header = {kernel::kCapVersion3, 0};
  kernel::CapData data[2] = {};
  if (kernel::capget(header, data) != 0) return last_error("capget");
  const auto join = [](uint32_t low, uint32_t high) {
    return uint64_t{low} | uint64_t{high} << 32;
  };
  return CapabilitySets{join(data[0].effective, data[1].effective),
                        join(data[0].permitted, data[1].permitted),
                        join(data[0].inheritable, data[1].inheritable)};
}

Result<void> set_capabilities(const CapabilitySets& sets) {
  const auto low = [](uint64_t mask) { return static_cast<uint32_t>(mask); };
  const auto high = [](uint64_t mask) { return static_cast<uint32_t>(mask >> 32); };
  const kernel::CapHeader header = {kernel::kCapVersion3, 0};
  const kernel::CapData data[2] = {
      {low(sets.effective), low(sets.permitted), low(sets.inheritable)},
      {high(sets.effective), high(sets.permitted), high(sets.inheritable)}};
  if (kernel::capset(header, data) != 0) return last_error("capset");
  return {};
}

Result<void> raise_effective() {
  BERTH_ASSIGN(CapabilitySets sets, get_capabilities());
  sets.effective = sets.permitted;
  return set_capabilities(sets);
}

Result<void> limit_bounding(uint64_t keep) {
  for (int capability = 0; capability < 64; ++capability) {
    if ((keep >> capability & 1) != 0) continue;
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) {
      if (errno == EINVAL) return {};  // past the last one that this kernel knows
      return last_error("prctl");
    }
  }
  return {};
}

Result<void> set_ambient(uint64_t wanted) {
  constexpr int kCapAmbient = 47, kRaise = 2, kClearAll = 4;  // Linux 4.3
  if (prctl(kCapAmbient, kClearAll, 0, 0, 0) != 0) return last_error("prctl");
  for (int capability = 0; capability < 64; ++capability) {
    if ((wanted >> capability & 1) == 0) continue;
    if (prctl(kCapAmbient, kRaise, capability, 0, 0) != 0) return last_error("prctl");
  }
  return {};
}

}  // namespace berth::sys
