#include "sys/unxz.h"

namespace berth::sys {
namespace {

// `xz -9` needs 65 MiB to be read again (xz(1)).
constexpr uint64_t kMemory = 128 * 1024 * 1024;

const char* reason_of(lzma_ret status) {
  switch (status) {
    case LZMA_FORMAT_ERROR:
      return "it is not xz data, or something that is not xz follows a stream";
    case LZMA_OPTIONS_ERROR:
      return "xz with options that are not supported";
    case LZMA_MEMLIMIT_ERROR:
      return "its xz dictionary is over the limit of 128 MiB";
    default:
      return "the compressed data are damaged";
  }
}

}  // namespace

Unxz::Unxz(Refusal& refusal)
    : refusal_(refusal), started_(lzma_stream_decoder(&stream_, kMemory, LZMA_CONCATENATED)) {}

Unxz::~Unxz() { lzma_end(&stream_); }

Result<size_t> Unxz::inflate(std::span<const uint8_t>& input, std::span<uint8_t> output) {
  if (started_ != LZMA_OK) return Error{ENOMEM, "mmap"};
  stream_.next_in = input.data();
  stream_.avail_in = input.size();
  stream_.next_out = output.data();
  stream_.avail_out = output.size();
  while (stream_.avail_out > 0) {
    const lzma_ret status = lzma_code(&stream_, LZMA_RUN);
    // It can go on with neither more input nor more room: that is for the caller to find.
    if (status == LZMA_BUF_ERROR || status == LZMA_STREAM_END) break;
    if (status != LZMA_OK) return refusal_.refuse("BAD_COMPRESSION", reason_of(status));
    if (stream_.avail_in == 0 && stream_.avail_out > 0) break;
  }
  input = input.last(stream_.avail_in);
  return output.size() - stream_.avail_out;
}

Result<void> Unxz::finish() {
  uint8_t none = 0;
  stream_.next_in = &none;
  stream_.avail_in = 0;
  stream_.next_out = &none;
  stream_.avail_out = 0;
  if (started_ != LZMA_OK || lzma_code(&stream_, LZMA_FINISH) != LZMA_STREAM_END)
    return refusal_.refuse("BAD_COMPRESSION", "the compressed data end too early");
  return {};
}

}  // namespace berth::sys
