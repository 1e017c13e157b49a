// A gzip stream (RFC 1952) of one or several members, inflated by ISA-L. Checksums and lengths of
// every member are verified.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "sys/refusal.h"

struct inflate_state;

namespace berth::sys {

class Gunzip {
 public:
  explicit Gunzip(Refusal& refusal);
  ~Gunzip();
  Gunzip(const Gunzip&) = delete;
  Gunzip& operator=(const Gunzip&) = delete;

  /// Inflates from the front of `input`, which it shortens, into `output`; returns how many bytes
  /// it wrote. It comes back when either is used up. Refuses with BAD_GZIP.
  Result<size_t> inflate(std::span<const uint8_t>& input, std::span<uint8_t> output);
  /// After the last input: a stream that stops inside a member is refused with BAD_GZIP.
  Result<void> finish();

 private:
  Refusal& refusal_;
  std::unique_ptr<inflate_state> state_;
  bool between_members_ = true;
  bool any_member_ = false;
};

}  // namespace berth::sys
