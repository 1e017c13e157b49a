// A gzip stream (RFC 1952) of one or several members, inflated by ISA-L. Checksums and lengths of
// every member are verified; zeros after the last one are padding, as gzip(1) has it.
#pragma once

#include "sys/decompressor.h"

struct inflate_state;

namespace berth::sys {

class Gunzip : public Decompressor {
 public:
  explicit Gunzip(Refusal& refusal);
  ~Gunzip() override;

  Result<size_t> inflate(std::span<const uint8_t>& input, std::span<uint8_t> output) override;
  Result<void> finish() override;

 private:
  Refusal& refusal_;
  std::unique_ptr<inflate_state> state_;
  bool between_members_ = true;
  bool any_member_ = false;
  bool in_padding_ = false;
};

}  // namespace berth::sys
