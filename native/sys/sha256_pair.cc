// Two streams at once. Each SHA instruction of a stream waits for the one before, so one stream keeps the unit that executes them
// busy for half of the time; two that know nothing of each other fill it. Where the processor has no such instructions, and for what one
// stream has more than the other, nettle does the work.
#include <algorithm>
#include <array>

#include "sys/sha256.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace berth::sys {
namespace {

constexpr size_t kBlock = SHA256_BLOCK_SIZE;

#if defined(__x86_64__)

/// SSSE3, SSE4.1 and SHA (Intel SDM, CPUID leaves 1 and 7).
bool has_sha_instructions() {
  static const bool has = [] {
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_SSSE3) == 0 || (c & bit_SSE4_1) == 0)
      return false;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_SHA) != 0;
  }();
  return has;
}

/// FIPS 180-4, 4.2.2.
alignas(16) constexpr std::array<uint32_t, 64> kConstants{
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

struct Lane {
  uint32_t* state;  // a to h
  const uint8_t* blocks;
};

__m128i* vector_at(uint32_t* words) { return reinterpret_cast<__m128i*>(words); }
const __m128i* vector_at(const uint32_t* words) { return reinterpret_cast<const __m128i*>(words); }

/// FIPS 180-4, 6.2.2, of both lanes in turn. The instructions want the state as ABEF and CDGH, the first named in the highest word.
__attribute__((target("ssse3,sse4.1,sha"))) void compress(const std::array<Lane, 2>& lanes,
                                                          size_t blocks) {
  constexpr size_t kLanes = 2;
  const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  __m128i abef[kLanes], cdgh[kLanes];
  for (size_t i = 0; i < kLanes; ++i) {
    const __m128i cdab =
        _mm_shuffle_epi32(_mm_loadu_si128(vector_at(lanes[i].state)), _MM_SHUFFLE(2, 3, 0, 1));
    const __m128i efgh =
        _mm_shuffle_epi32(_mm_loadu_si128(vector_at(lanes[i].state + 4)), _MM_SHUFFLE(0, 1, 2, 3));
    abef[i] = _mm_alignr_epi8(cdab, efgh, 8);
    cdgh[i] = _mm_blend_epi16(efgh, cdab, 0xf0);
  }
  for (size_t block = 0; block < blocks; ++block) {
    __m128i abef_before[kLanes], cdgh_before[kLanes], words[kLanes][4];
    for (size_t i = 0; i < kLanes; ++i) {
      abef_before[i] = abef[i];
      cdgh_before[i] = cdgh[i];
      for (size_t j = 0; j < 4; ++j) {
        const uint8_t* const at = lanes[i].blocks + block * kBlock + j * sizeof(__m128i);
        words[i][j] =
            _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)), big_endian);
      }
    }
#pragma GCC unroll 16
    for (size_t round = 0; round < 16; ++round) {
      const __m128i constants = _mm_load_si128(vector_at(kConstants.data() + 4 * round));
#pragma GCC unroll 2
      for (size_t i = 0; i < kLanes; ++i) {
        __m128i& oldest = words[i][round % 4];
        const __m128i& newest = words[i][(round + 3) % 4];
        const __m128i sum = _mm_add_epi32(oldest, constants);
        cdgh[i] = _mm_sha256rnds2_epu32(cdgh[i], abef[i], sum);
        abef[i] = _mm_sha256rnds2_epu32(abef[i], cdgh[i], _mm_shuffle_epi32(sum, 0x0e));
        if (round >= 12) continue;
        const __m128i seventh = _mm_alignr_epi8(newest, words[i][(round + 2) % 4], 4);
        const __m128i partly = _mm_sha256msg1_epu32(oldest, words[i][(round + 1) % 4]);
        oldest = _mm_sha256msg2_epu32(_mm_add_epi32(partly, seventh), newest);
      }
    }
    for (size_t i = 0; i < kLanes; ++i) {
      abef[i] = _mm_add_epi32(abef[i], abef_before[i]);
      cdgh[i] = _mm_add_epi32(cdgh[i], cdgh_before[i]);
    }
  }
  for (size_t i = 0; i < kLanes; ++i) {
    const __m128i feba = _mm_shuffle_epi32(abef[i], _MM_SHUFFLE(0, 1, 2, 3));
    const __m128i dchg = _mm_shuffle_epi32(cdgh[i], _MM_SHUFFLE(2, 3, 0, 1));
    _mm_storeu_si128(vector_at(lanes[i].state), _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128(vector_at(lanes[i].state + 4), _mm_alignr_epi8(dchg, feba, 8));
  }
}

#endif

}  // namespace

void Sha256::complete_block(std::span<const uint8_t>& bytes) {
  if (context_.index == 0) return;
  const size_t part = std::min(kBlock - context_.index, bytes.size());
  update(bytes.first(part));
  bytes = bytes.subspan(part);
}

void Sha256::update_both(Sha256& first, std::span<const uint8_t> of_first, Sha256& second,
                         std::span<const uint8_t> of_second) {
#if defined(__x86_64__)
  if (has_sha_instructions()) {
    first.complete_block(of_first);
    second.complete_block(of_second);
    // A block that is not complete has taken all that there was.
    if (const size_t blocks = std::min(of_first.size(), of_second.size()) / kBlock; blocks > 0) {
      compress(
          {{{first.context_.state, of_first.data()}, {second.context_.state, of_second.data()}}},
          blocks);
      first.context_.count += blocks;
      second.context_.count += blocks;
      of_first = of_first.subspan(blocks * kBlock);
      of_second = of_second.subspan(blocks * kBlock);
    }
  }
#endif
  first.update(of_first);
  second.update(of_second);
}

}  // namespace berth::sys
