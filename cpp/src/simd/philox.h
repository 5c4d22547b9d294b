// Philox4x32-10, the counter-based generator of Salmon et al. ("Parallel Random Numbers: As Easy as 1, 2, 3", SC11):
// ten rounds of multiply and exchange turn (counter, key) into four independent 32-bit words, with no state to carry.
#pragma once

#include <stdint.h>

#include "simd/hd.h"

namespace needlecpp::NDL_ISA {

struct Philox4 {
  uint32_t x, y, z, w;
};

// The 128-bit counter is (counter, draw), low words first; the 64-bit key is the seed.
NDL_HD Philox4 philox(uint64_t seed, uint64_t draw, uint64_t counter) {
  Philox4 c = {static_cast<uint32_t>(counter), static_cast<uint32_t>(counter >> 32), static_cast<uint32_t>(draw),
               static_cast<uint32_t>(draw >> 32)};
  uint32_t key0 = static_cast<uint32_t>(seed);
  uint32_t key1 = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = static_cast<uint64_t>(0xD2511F53u) * c.x;
    const uint64_t p1 = static_cast<uint64_t>(0xCD9E8D57u) * c.z;
    c = {static_cast<uint32_t>(p1 >> 32) ^ c.y ^ key0, static_cast<uint32_t>(p1),
         static_cast<uint32_t>(p0 >> 32) ^ c.w ^ key1, static_cast<uint32_t>(p0)};
    key0 += 0x9E3779B9u;  // golden ratio
    key1 += 0xBB67AE85u;  // sqrt(3) - 1
  }
  return c;
}

// Uniform in [0, 1): multiples of 2^-24 and of 2^-53, so that every value is exact and 1 is never reached.
NDL_HD float uniform24(uint32_t bits) { return static_cast<float>(static_cast<int32_t>(bits >> 8)) * 0x1p-24f; }
NDL_HD double uniform53(uint32_t low, uint32_t high) {
  const uint64_t bits = (static_cast<uint64_t>(high) << 32 | low) >> 11;
  return static_cast<double>(static_cast<int64_t>(bits)) * 0x1p-53;
}

}  // namespace needlecpp::NDL_ISA
