// Sorting items: a key (see sort_kernels.h; turned over for a descending order) and the place the element had.
//
// Items come in two kinds. Packed: one 64-bit word, the key of at most 32 bits above a place of 32 bits; comparing
// words compares keys and breaks ties by place. Wide: key and place of 64 bits each, for 64-bit elements and rows
// longer than 2^32. Everything below is stable: items that compare equal keep their order.
#include <stdint.h>
#include <string.h>

#include "ops/sort_kernels.h"

namespace needlecpp::NDL_ISA {
namespace {

struct Packed {
  uint64_t word;
  NDL_HD static Packed of(uint64_t key, int64_t place) { return {key << 32 | static_cast<uint64_t>(place)}; }
  NDL_HD uint64_t key() const { return word >> 32; }
  NDL_HD int64_t place() const { return static_cast<int64_t>(word & 0xffffffffu); }
  NDL_HD bool before(const Packed& other) const { return word < other.word; }
};
struct Wide {
  uint64_t word;
  int64_t where;
  NDL_HD static Wide of(uint64_t key, int64_t place) { return {key, place}; }
  NDL_HD uint64_t key() const { return word; }
  NDL_HD int64_t place() const { return where; }
  NDL_HD bool before(const Wide& other) const { return word < other.word; }
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
NDL_HD void with_order(SortType type, const Fn& fn) {
  switch (type) {
    case SortType::F32:
      return fn(FloatOrder<uint32_t, 0x7f800000u>{});
    case SortType::F64:
      return fn(FloatOrder<uint64_t, 0x7ff0000000000000u>{});
    case SortType::F16:
      return fn(FloatOrder<uint16_t, 0x7c00u>{});
    case SortType::BF16:
      return fn(FloatOrder<uint16_t, 0x7f80u>{});
    case SortType::I32:
      return fn(IntegerOrder<uint32_t, 0x80000000u>{});
    case SortType::I64:
      return fn(IntegerOrder<uint64_t, 0x8000000000000000u>{});
    case SortType::U8:
      return fn(IntegerOrder<uint8_t, 0>{});
  }
}

constexpr int64_t kInsertion = 16;  // runs of this length are sorted by insertion, then merged

template <class Item>
void merge_sort(Item* items, Item* spare, int64_t count) {
  for (int64_t start = 0; start < count; start += kInsertion) {
    const int64_t stop = start + kInsertion < count ? start + kInsertion : count;
    for (int64_t i = start + 1; i < stop; ++i) {
      const Item item = items[i];
      int64_t j = i;
      for (; j > start && item.before(items[j - 1]); --j) items[j] = items[j - 1];
      items[j] = item;
    }
  }
  Item* from = items;
  Item* to = spare;
  for (int64_t width = kInsertion; width < count; width *= 2) {
    for (int64_t start = 0; start < count; start += 2 * width) {
      const int64_t middle = start + width < count ? start + width : count;
      const int64_t stop = start + 2 * width < count ? start + 2 * width : count;
      int64_t a = start, b = middle;
      for (int64_t i = start; i < stop; ++i) {
        const bool second = a == middle || (b < stop && from[b].before(from[a]));
        to[i] = from[second ? b : a];
        b += second;
        a += !second;
      }
    }
    Item* swap = from;
    from = to;
    to = swap;
  }
  if (from != items) memcpy(items, from, static_cast<size_t>(count) * sizeof(Item));
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

void sort_merge(bool wide, void* items, void* spare, int64_t count) {
  if (wide) return merge_sort(static_cast<Wide*>(items), static_cast<Wide*>(spare), count);
  merge_sort(static_cast<Packed*>(items), static_cast<Packed*>(spare), count);
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
