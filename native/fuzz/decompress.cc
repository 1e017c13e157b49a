// Whatever a compressed stream holds, decoding it neither crashes nor reads past it, and comes to an end. The first byte chooses the kind,
// the second the size of the pieces.
#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "sys/decompressor.h"

using namespace berth::sys;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  constexpr Compression kKinds[] = {Compression::kGzip, Compression::kZstd, Compression::kXz,
                                    Compression::kBzip2};
  constexpr size_t kMostOutput = 8 << 20;
  Refusal refusal;
  const auto decompressor = make_decompressor(kKinds[data[0] % 4], refusal);
  std::span<const uint8_t> rest(data + 2, size - 2);
  const size_t piece = 1 + data[1];
  std::vector<uint8_t> output(1 + piece * 37);
  size_t produced = 0;
  while (!rest.empty() && produced < kMostOutput) {
    auto input = rest.first(std::min(piece, rest.size()));
    rest = rest.subspan(input.size());
    for (;;) {
      auto length = decompressor->inflate(input, output);
      if (!length) return 0;
      produced += *length;
      if (*length == 0 || produced >= kMostOutput) break;
    }
  }
  if (auto end = decompressor->finish(); !end) return 0;
  return 0;
}
