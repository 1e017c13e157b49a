#include "sys/bunzip2.h"

#include <algorithm>
#include <limits>

namespace berth::sys {

Bunzip2::~Bunzip2() {
  if (open_) BZ2_bzDecompressEnd(&stream_);
}

Result<size_t> Bunzip2::inflate(std::span<const uint8_t>& input, std::span<uint8_t> output) {
  constexpr size_t kMost = std::numeric_limits<unsigned>::max();
  const size_t room = std::min(output.size(), kMost);
  size_t written = 0;
  while (written < room) {
    if (!open_) {
      if (input.empty()) break;
      stream_ = {};
      if (BZ2_bzDecompressInit(&stream_, 0, 0) != BZ_OK) return Error{ENOMEM, "mmap"};
      open_ = true;
      any_stream_ = true;
    }
    const size_t given = std::min(input.size(), kMost);
    // bzip2 only reads through next_in; its structure lacks the const.
    stream_.next_in = reinterpret_cast<char*>(const_cast<uint8_t*>(input.data()));
    stream_.avail_in = static_cast<unsigned>(given);
    stream_.next_out = reinterpret_cast<char*>(output.data() + written);
    stream_.avail_out = static_cast<unsigned>(room - written);
    const int status = BZ2_bzDecompress(&stream_);
    const size_t consumed = given - stream_.avail_in;
    const size_t produced = room - written - stream_.avail_out;
    if (status == BZ_DATA_ERROR_MAGIC) {
      return refusal_.refuse("BAD_COMPRESSION",
                             "it is not bzip2 data, or something that is not follows a stream");
    }
    if (status != BZ_OK && status != BZ_STREAM_END)
      return refusal_.refuse("BAD_COMPRESSION", "the compressed data are damaged");
    input = input.subspan(consumed);
    written += produced;
    if (status == BZ_STREAM_END) {
      BZ2_bzDecompressEnd(&stream_);
      open_ = false;
    } else if (consumed == 0 && produced == 0) {
      break;
    }
  }
  return written;
}

Result<void> Bunzip2::finish() {
  if (open_ || !any_stream_)
    return refusal_.refuse("BAD_COMPRESSION", "the compressed data end too early");
  return {};
}

}  // namespace berth::sys
