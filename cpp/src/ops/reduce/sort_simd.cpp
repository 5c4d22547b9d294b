// Sorting items: a key (see sort_kernels.h; turned over for a descending order) and the place the element had.
//
// Items come in two kinds. Packed: one 64-bit word, the key of at most 32 bits above a place of 32 bits; comparing
// words compares keys and breaks ties by place. Wide: key and place of 64 bits each, for 64-bit elements and rows
// longer than 2^32. Everything below is stable: items that compare equal keep their order.
#include <stdint.h>
#include <string.h>

#include "ops/reduce/sort_kernels.h"

namespace needlecpp::NDL_ISA {
namespace {

struct Packed {
  static constexpr bool kDistinct = true;
  uint64_t word;
  NDL_HD static Packed of(uint64_t key, int64_t place) { return {key << 32 | static_cast<uint64_t>(place)}; }
  NDL_HD uint64_t key() const { return word >> 32; }
  NDL_HD int64_t place() const { return static_cast<int64_t>(word & 0xffffffffu); }
};
struct Wide {
  static constexpr bool kDistinct = false;
  uint64_t word;
  int64_t where;
  NDL_HD static Wide of(uint64_t key, int64_t place) { return {key, place}; }
  NDL_HD uint64_t key() const { return word; }
  NDL_HD int64_t place() const { return where; }
};

template <class Order, class Item>
void load_typed(const SortRow& row, int64_t begin, int64_t end, Item* items) {
  using Word = typename Order::Word;
  const char* from = static_cast<const char*>(row.x);
  const int64_t step = row.x_step * static_cast<int64_t>(sizeof(Word));
  const Word flip = row.descending ? static_cast<Word>(~Word{0}) : Word{0};
  for (int64_t i = begin; i < end; ++i) {
    Word x;
    memcpy(&x, from + i * step, sizeof x);
    items[i] = Item::of(static_cast<Word>(Order::key(x) ^ flip), i);
  }
}

template <class Order, class Item>
void store_typed(const SortRow& row, int64_t begin, int64_t end, const Item* items) {
  using Word = typename Order::Word;
  const char* from = static_cast<const char*>(row.x);
  const int64_t step = row.x_step * static_cast<int64_t>(sizeof(Word));
  const Word flip = row.descending ? static_cast<Word>(~Word{0}) : Word{0};
  if (row.values) {
    char* to = static_cast<char*>(row.values);
    for (int64_t i = begin; i < end; ++i) {
      const Word key = static_cast<Word>(static_cast<Word>(items[i].key()) ^ flip);
      Word x = Order::element(key);
      if (!Order::exact(key)) memcpy(&x, from + items[i].place() * step, sizeof x);
      memcpy(to + i * row.values_step * static_cast<int64_t>(sizeof x), &x, sizeof x);
    }
  }
  if (row.places)
    for (int64_t i = begin; i < end; ++i) row.places[i * row.places_step] = items[i].place();
}

// Calls fn(Order) for the row's type.
template <class Fn>
NDL_HD void with_order(Element type, const Fn& fn) {
  switch (type) {
    case Element::F32:
      return fn(FloatOrder<uint32_t, 0x7f800000u>{});
    case Element::F64:
      return fn(FloatOrder<uint64_t, 0x7ff0000000000000u>{});
    case Element::F16:
      return fn(FloatOrder<uint16_t, 0x7c00u>{});
    case Element::BF16:
      return fn(FloatOrder<uint16_t, 0x7f80u>{});
    case Element::I32:
      return fn(IntegerOrder<uint32_t, 0x80000000u>{});
    case Element::I64:
      return fn(IntegerOrder<uint64_t, 0x8000000000000000u>{});
    case Element::U8:
    case Element::Bool:
      return fn(IntegerOrder<uint8_t, 0>{});
  }
}

// An item's place is the number of items before it: count^2 comparisons, but without a branch and many at once.
template <class Item>
void sort_ranks_typed(Item* items, Item* spare, int64_t count) {
  uint64_t words[kSortRanked];
  uint64_t ranks[kSortRanked];
  for (int64_t i = 0; i < count; ++i) {
    spare[i] = items[i];
    words[i] = items[i].word;
    ranks[i] = 0;
  }
  for (int64_t j = 0; j < count; ++j) {
    const uint64_t word = words[j];
    if constexpr (Item::kDistinct) {
      for (int64_t i = 0; i < count; ++i) ranks[i] += word < words[i];
    } else {
      for (int64_t i = 0; i < j; ++i) ranks[i] += word < words[i];
      for (int64_t i = j + 1; i < count; ++i) ranks[i] += word <= words[i];
    }
  }
  for (int64_t i = 0; i < count; ++i) items[ranks[i]] = spare[i];
}

template <class Item>
NDL_HD int64_t digit(const Item& item, int shift) {
  return static_cast<int64_t>(item.key() >> shift & (kSortDigits - 1));
}

template <class Item>
void count_typed(const Item* items, int64_t begin, int64_t end, int shift, int64_t* counts) {
  memset(counts, 0, kSortDigits * sizeof(int64_t));
  for (int64_t i = begin; i < end; ++i) ++counts[digit(items[i], shift)];
}

template <class Item>
void scatter_typed(const Item* items, int64_t begin, int64_t end, int shift, Item* to, int64_t* next) {
  for (int64_t i = begin; i < end; ++i) to[next[digit(items[i], shift)]++] = items[i];
}

// From the highest digit down: the items known to be among the k smallest stand in front, then those that share the
// k-th item's digits so far, its rivals; the rest is dropped.
template <class Item>
void select_typed(Item* items, Item* spare, int64_t count, int64_t k, int bits) {
  int64_t taken = 0;
  for (int shift = bits - 8; shift >= 0 && count > k; shift -= 8) {
    int64_t counts[kSortDigits];
    count_typed(items, taken, count, shift, counts);
    int64_t last = 0;
    for (int64_t below = taken; below + counts[last] < k; ++last) below += counts[last];
    int64_t rivals = 0;
    int64_t kept = taken;
    for (int64_t i = taken; i < count; ++i) {
      const int64_t d = digit(items[i], shift);
      if (d < last) items[kept++] = items[i];
      if (d == last) spare[rivals++] = items[i];
    }
    memcpy(items + kept, spare, static_cast<size_t>(rivals) * sizeof(Item));
    taken = kept;
    count = kept + rivals;
  }
}

}  // namespace

int64_t sort_item_bytes(bool wide) { return wide ? sizeof(Wide) : sizeof(Packed); }

void sort_load(const SortRow& row, int64_t begin, int64_t end, void* items) {
  with_order(row.type, [&](auto order) {
    if (row.wide) return load_typed<decltype(order)>(row, begin, end, static_cast<Wide*>(items));
    load_typed<decltype(order)>(row, begin, end, static_cast<Packed*>(items));
  });
}

void sort_store(const SortRow& row, int64_t begin, int64_t end, const void* items) {
  with_order(row.type, [&](auto order) {
    if (row.wide) return store_typed<decltype(order)>(row, begin, end, static_cast<const Wide*>(items));
    store_typed<decltype(order)>(row, begin, end, static_cast<const Packed*>(items));
  });
}

void sort_ranks(bool wide, void* items, void* spare, int64_t count) {
  if (wide) return sort_ranks_typed(static_cast<Wide*>(items), static_cast<Wide*>(spare), count);
  sort_ranks_typed(static_cast<Packed*>(items), static_cast<Packed*>(spare), count);
}

void sort_count(bool wide, const void* items, int64_t begin, int64_t end, int shift, int64_t* counts) {
  if (wide) return count_typed(static_cast<const Wide*>(items), begin, end, shift, counts);
  count_typed(static_cast<const Packed*>(items), begin, end, shift, counts);
}

void sort_scatter(bool wide, const void* items, int64_t begin, int64_t end, int shift, void* to, int64_t* next) {
  if (wide) return scatter_typed(static_cast<const Wide*>(items), begin, end, shift, static_cast<Wide*>(to), next);
  scatter_typed(static_cast<const Packed*>(items), begin, end, shift, static_cast<Packed*>(to), next);
}

void sort_select(bool wide, void* items, void* spare, int64_t count, int64_t k, int bits) {
  if (wide) return select_typed(static_cast<Wide*>(items), static_cast<Wide*>(spare), count, k, bits);
  select_typed(static_cast<Packed*>(items), static_cast<Packed*>(spare), count, k, bits);
}

}  // namespace needlecpp::NDL_ISA
