// Copies of rows too short for a call to memcpy to pay.
#pragma once

#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "simd/hd.h"

namespace needlecpp::NDL_ISA {

template <int Bytes>
NDL_HD void copy_fixed(char* to, const char* from) {
  char block[Bytes];
  memcpy(block, from, Bytes);
  memcpy(to, block, Bytes);
}

// Rows must not overlap. Odd ends are covered by a second copy that overlaps the first.
NDL_HD void copy_row(char* to, const char* from, int64_t bytes) {
  if (bytes > 1024) {
    memcpy(to, from, static_cast<size_t>(bytes));
  } else if (bytes >= 16) {
    for (int64_t i = 0; i + 16 <= bytes; i += 16) copy_fixed<16>(to + i, from + i);
    copy_fixed<16>(to + bytes - 16, from + bytes - 16);
  } else if (bytes >= 8) {
    copy_fixed<8>(to, from);
    copy_fixed<8>(to + bytes - 8, from + bytes - 8);
  } else if (bytes >= 4) {
    copy_fixed<4>(to, from);
    copy_fixed<4>(to + bytes - 4, from + bytes - 4);
  } else {
    for (int64_t i = 0; i < bytes; ++i) to[i] = from[i];
  }
}

// The same past the caches, for targets too large to stay there: memory is then not read before it is written. Only
// whole cache lines of the target go that way. stream_end() must follow before another thread reads.
NDL_HD void stream_row(char* to, const char* from, int64_t bytes) {
#if defined(__x86_64__)
  const int64_t head = (64 - static_cast<int64_t>(reinterpret_cast<uintptr_t>(to) & 63)) & 63;
  if (bytes >= head + 64) {
    copy_row(to, from, head);
    int64_t i = head;
    for (; i + 64 <= bytes; i += 64)
      for (int k = 0; k < 64; k += 16)
        _mm_stream_si128(reinterpret_cast<__m128i*>(to + i + k),
                         _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i + k)));
    copy_row(to + i, from + i, bytes - i);
    return;
  }
#endif
  copy_row(to, from, bytes);
}
NDL_HD void stream_end() {
#if defined(__x86_64__)
  _mm_sfence();
#endif
}

}  // namespace needlecpp::NDL_ISA
