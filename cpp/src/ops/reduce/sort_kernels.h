// What sort_cpu.cpp hands to the kernels of sort_simd.cpp, and the numbers that order as elements do.
#pragma once

#include <stdint.h>

#include "simd/element.h"
#include "simd/hd.h"
#include "simd/isa.h"

namespace needlecpp {

// One row of a tensor and the order wanted. Steps in elements.
struct SortRow {
  Element type;
  bool descending;
  bool wide;  // which of the two kinds of items, see sort_simd.cpp
  const void* x;
  int64_t x_step;
  void* values;  // null if not wanted
  int64_t values_step;
  int64_t* places;  // null if not wanted
  int64_t places_step;
};

inline constexpr int kSortDigits = 256;     // of one pass of the radix sort
inline constexpr int64_t kSortRanked = 96;  // rows up to this length are sorted by ranks

NDL_DECLARE_KERNEL(int64_t, sort_item_bytes, (bool wide));
// Items of the elements [begin, end) of a row, and back: the items [begin, end) as values and places of the row.
NDL_DECLARE_KERNEL(void, sort_load, (const SortRow& row, int64_t begin, int64_t end, void* items));
NDL_DECLARE_KERNEL(void, sort_store, (const SortRow& row, int64_t begin, int64_t end, const void* items));
// Short rows: sorts `count` items, kSortRanked at most, with as many spare.
NDL_DECLARE_KERNEL(void, sort_ranks, (bool wide, void* items, void* spare, int64_t count));
// One pass of the radix sort over the items [begin, end): counts[d] is the number whose digit is d; then each item goes
// to the place to[next[digit]++].
NDL_DECLARE_KERNEL(void, sort_count,
                   (bool wide, const void* items, int64_t begin, int64_t end, int shift, int64_t* counts));
NDL_DECLARE_KERNEL(void, sort_scatter,
                   (bool wide, const void* items, int64_t begin, int64_t end, int shift, void* to, int64_t* next));
// Moves the k smallest of `count` items, whose keys have `bits` bits, to the front: equal ones in the order they had.
NDL_DECLARE_KERNEL(void, sort_select, (bool wide, void* items, void* spare, int64_t count, int64_t k, int bits));

namespace NDL_ISA {

// Keys: unsigned numbers that order as the elements do. Floats (their bits): a negative number's bits are turned over,
// a positive one's get the sign bit; both zeros have one key, and all NaN share the largest.
template <class Bits, Bits kInfinity>
struct FloatOrder {
  using Word = Bits;
  static constexpr Bits sign = static_cast<Bits>(Bits{1} << (8 * sizeof(Bits) - 1));
  static constexpr Bits nan = static_cast<Bits>(~Bits{0});
  NDL_HD static Bits key(Bits x) {
    if (static_cast<Bits>(x & static_cast<Bits>(~sign)) > kInfinity) return nan;
    if (x == sign) return sign;
    return static_cast<Bits>(x & sign ? ~x : x | sign);
  }
  // Whether a key tells its element to the bit.
  NDL_HD static bool exact(Bits key) { return key != sign && key != nan; }
  NDL_HD static Bits element(Bits key) { return static_cast<Bits>(key & sign ? key ^ sign : ~key); }
};
template <class Bits, Bits kSign>
struct IntegerOrder {
  using Word = Bits;
  NDL_HD static Bits key(Bits x) { return static_cast<Bits>(x ^ kSign); }
  NDL_HD static bool exact(Bits) { return true; }
  NDL_HD static Bits element(Bits key) { return static_cast<Bits>(key ^ kSign); }
};

}  // namespace NDL_ISA
}  // namespace needlecpp
