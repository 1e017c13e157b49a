#include "sys/gunzip.h"

#include <isa-l/igzip_lib.h>

#include <algorithm>
#include <limits>

namespace berth::sys {
namespace {

const char* reason_of(int status) {
  switch (status) {
    case ISAL_INCORRECT_CHECKSUM:
      return "the checksum of a gzip member is wrong";
    case ISAL_INVALID_WRAPPER:
      return "it is not gzip data, or something that is not gzip follows a member";
    case ISAL_UNSUPPORTED_METHOD:
      return "gzip with a compression method other than deflate";
    default:
      return "the compressed data are damaged";
  }
}

bool is_set(uint8_t byte) { return byte != 0; }

}  // namespace

Gunzip::Gunzip(Refusal& refusal) : refusal_(refusal), state_(std::make_unique<inflate_state>()) {}
Gunzip::~Gunzip() = default;

Result<size_t> Gunzip::inflate(std::span<const uint8_t>& input, std::span<uint8_t> output) {
  constexpr size_t kMost = std::numeric_limits<uint32_t>::max();
  const size_t room = std::min(output.size(), kMost);
  size_t written = 0;
  while (written < room) {
    if (between_members_) {
      if (input.empty()) break;
      if (any_member_ && input.front() == 0) in_padding_ = true;
      if (in_padding_) {
        const auto padding = std::find_if(input.begin(), input.end(), is_set) - input.begin();
        input = input.subspan(static_cast<size_t>(padding));
        if (input.empty()) break;
        return refusal_.refuse("BAD_COMPRESSION", reason_of(ISAL_INVALID_WRAPPER));
      }
      isal_inflate_init(state_.get());
      state_->crc_flag = ISAL_GZIP;
      between_members_ = false;
      any_member_ = true;
    }
    const size_t given = std::min(input.size(), kMost);
    // ISA-L only reads through next_in; its structure lacks the const.
    state_->next_in = const_cast<uint8_t*>(input.data());
    state_->avail_in = static_cast<uint32_t>(given);
    state_->next_out = output.data() + written;
    state_->avail_out = static_cast<uint32_t>(room - written);
    const int status = isal_inflate(state_.get());
    const size_t consumed = given - state_->avail_in;
    const size_t produced = room - written - state_->avail_out;
    if (status < 0) return refusal_.refuse("BAD_COMPRESSION", reason_of(status));
    if (status == ISAL_NEED_DICT)
      return refusal_.refuse("BAD_COMPRESSION", "it needs a dictionary");
    input = input.subspan(consumed);
    written += produced;
    if (state_->block_state == ISAL_BLOCK_FINISH) {
      between_members_ = true;
    } else if (consumed == 0 && produced == 0) {
      break;
    }
  }
  return written;
}

Result<void> Gunzip::finish() {
  if (!between_members_ || !any_member_)
    return refusal_.refuse("BAD_COMPRESSION", "the compressed data end too early");
  return {};
}

}  // namespace berth::sys
