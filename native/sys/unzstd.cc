#include "sys/unzstd.h"

#include <zstd.h>

namespace berth::sys {
namespace {

// 128 MiB, what every decoder is expected to grant (RFC 8878, 3.1.1.1.2 asks for 8 MiB at least; zstd(1) stops here too).
constexpr int kWindowLog = 27;

}  // namespace

Unzstd::Unzstd(Refusal& refusal) : refusal_(refusal), context_(ZSTD_createDCtx()) {
  if (context_ != nullptr) ZSTD_DCtx_setParameter(context_, ZSTD_d_windowLogMax, kWindowLog);
}

Unzstd::~Unzstd() { ZSTD_freeDCtx(context_); }

Result<size_t> Unzstd::inflate(std::span<const uint8_t>& input, std::span<uint8_t> output) {
  if (context_ == nullptr) return Error{ENOMEM, "mmap"};
  ZSTD_outBuffer out{output.data(), output.size(), 0};
  while (out.pos < out.size) {
    // Between frames, with nothing to read, there is nothing to flush either.
    if (input.empty() && between_frames_) break;
    ZSTD_inBuffer in{input.data(), input.size(), 0};
    const size_t before = out.pos;
    const size_t left = ZSTD_decompressStream(context_, &out, &in);
    if (ZSTD_isError(left) != 0) {
      return refusal_.refuse("BAD_COMPRESSION",
                             std::string("the zstd data are refused: ") + ZSTD_getErrorName(left));
    }
    input = input.subspan(in.pos);
    between_frames_ = left == 0;
    if (in.pos == 0 && out.pos == before) break;
  }
  return out.pos;
}

Result<void> Unzstd::finish() {
  if (!between_frames_)
    return refusal_.refuse("BAD_COMPRESSION", "the compressed data end too early");
  return {};
}

}  // namespace berth::sys
