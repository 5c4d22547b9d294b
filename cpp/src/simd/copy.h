// Copies of rows too short for a call to memcpy to pay.
#pragma once

#include <stdint.h>
#include <string.h>

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

}  // namespace needlecpp::NDL_ISA
