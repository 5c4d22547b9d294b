// Loops over offsets and rows, built once per instruction set.
#include "ops/index/gather_kernels.h"
#include "simd/copy.h"

namespace needlecpp::NDL_ISA {
namespace {

inline constexpr int kBlock = 512;  // positions picked at a time

// Writes the offsets of positions [begin, end) to `to`; returns the first position that is outside its axis, or -1.
template <class Index>
int64_t offsets_of(const OffsetsArgs& args, int64_t* to, int64_t begin, int64_t end) {
  const Index* index = static_cast<const Index*>(args.index);
  const Axes& grid = args.axis.grid;
  const int last = grid.rank - 1;
  for (int64_t p = begin; p < end;) {
    // One run along the last axis of the grid, or all of it where there is none.
    int64_t run = end - p;
    int64_t base = 0;
    int64_t step = 0;
    if (last >= 0) {
      const int64_t left = grid.size[last] - p % grid.size[last];
      run = left < run ? left : run;
      base = axes_offset(grid, p);
      step = grid.stride[last];
    }
    for (int64_t i = 0; i < run; ++i) {
      const int64_t value = index[p + i];
      if (!in_axis(value, args.axis.size)) return p + i;
      const int64_t offset = wrap(value, args.axis.size) * args.axis.stride + base + i * step;
      to[i] = args.add ? to[i] + offset : offset;
    }
    p += run;
    to += run;
  }
  return -1;
}

NDL_HD int64_t find_offsets(const OffsetsArgs& args, int64_t* to, int64_t begin, int64_t end) {
  return args.wide ? offsets_of<int64_t>(args, to, begin, end) : offsets_of<int32_t>(args, to, begin, end);
}

// The offsets of a block at a time are on the stack.
template <class T>
int64_t take_one_of(const OffsetsArgs& args, const T* x, T* y, int64_t begin, int64_t end) {
  int64_t offsets[kBlock];
  for (int64_t block = begin; block < end; block += kBlock) {
    const int64_t last = end - block < kBlock ? end : block + kBlock;
    const int64_t bad = find_offsets(args, offsets, block, last);
    if (bad >= 0) return bad;
    for (int64_t p = block; p < last; ++p) y[p] = x[offsets[p - block]];
  }
  return -1;
}

// Calls move(x, y, count, stride) for each run along the last of the axes.
template <class T, class Move>
NDL_HD void walk(const Axes& axes, T* x, T* y, const Move& move) {
  const int last = axes.rank - 1;
  int64_t at[kMaxAxes] = {};
  for (;;) {
    move(x, y, axes.size[last], axes.stride[last]);
    y += axes.size[last];
    int axis = last - 1;
    for (; axis >= 0; --axis) {
      x += axes.stride[axis];
      if (++at[axis] < axes.size[axis]) break;
      x -= axes.size[axis] * axes.stride[axis];
      at[axis] = 0;
    }
    if (axis < 0) return;
  }
}

template <class T>
void take_of(const PlacesArgs& args, int64_t begin, int64_t end) {
  T* y = reinterpret_cast<T*>(args.y);
  const bool rows = args.places.post.rank == 1 && args.places.post.stride[0] == 1;
  for (int64_t q = begin; q < end;) {
    const int64_t first = q % args.count;
    const int64_t left = args.count - first;
    const int64_t run = left < end - q ? left : end - q;
    T* x = reinterpret_cast<T*>(args.x) + axes_offset(args.places.pre, q / args.count);
    const int64_t* offsets = args.offsets + first;
    if (args.places.post_count == 1) {
      for (int64_t i = 0; i < run; ++i) y[q + i] = x[offsets[i]];
    } else if (rows) {
      const int64_t bytes = args.places.post_count * static_cast<int64_t>(sizeof(T));
      for (int64_t i = 0; i < run; ++i)
        copy_row(reinterpret_cast<char*>(y + (q + i) * args.places.post_count),
                 reinterpret_cast<const char*>(x + offsets[i]), bytes);
    } else {
      for (int64_t i = 0; i < run; ++i)
        walk(args.places.post, x + offsets[i], y + (q + i) * args.places.post_count,
             [](const T* from, T* to, int64_t count, int64_t stride) {
               for (int64_t j = 0; j < count; ++j) to[j] = from[j * stride];
             });
    }
    q += run;
  }
}

// The writers: move(x, y, count, stride) puts one run of y into x. Positions in [low, high) are picked a block at a
// time and without a branch, which random destinations would make the processor mispredict.
template <class T, class Move>
NDL_HD void write_of(const PlacesArgs& args, int64_t begin, int64_t end, const Move& move) {
  int64_t mine[kBlock];
  for (int64_t pre = begin; pre < end; ++pre) {
    T* x = reinterpret_cast<T*>(args.x) + axes_offset(args.places.pre, pre);
    T* y = reinterpret_cast<T*>(args.y) + pre * args.count * args.places.post_count;
    for (int64_t block = 0; block < args.count; block += kBlock) {
      const int64_t last = args.count - block < kBlock ? args.count : block + kBlock;
      int64_t picked = 0;
      for (int64_t p = block; p < last; ++p) {
        mine[picked] = p;
        picked += (args.offsets[p] >= args.places.low) & (args.offsets[p] < args.places.high);
      }
      if (args.places.post_count == 1) {
        for (int64_t i = 0; i < picked; ++i) move(x + args.offsets[mine[i]], y + mine[i], int64_t{1}, int64_t{1});
      } else if (args.places.post.rank == 1) {
        for (int64_t i = 0; i < picked; ++i)
          move(x + args.offsets[mine[i]], y + mine[i] * args.places.post_count, args.places.post_count,
               args.places.post.stride[0]);
      } else {
        for (int64_t i = 0; i < picked; ++i)
          walk(args.places.post, x + args.offsets[mine[i]], y + mine[i] * args.places.post_count, move);
      }
    }
  }
}

template <class T>
void put_of(const PlacesArgs& args, int64_t begin, int64_t end) {
  write_of<T>(args, begin, end, [](T* to, const T* from, int64_t count, int64_t stride) {
    if (stride == 1) {
      copy_row(reinterpret_cast<char*>(to), reinterpret_cast<const char*>(from),
               count * static_cast<int64_t>(sizeof(T)));
    } else {
      for (int64_t j = 0; j < count; ++j) to[j * stride] = from[j];
    }
  });
}

template <class T, class Combine>
void combine_of(const PlacesArgs& args, int64_t begin, int64_t end, const Combine& combine) {
  write_of<T>(args, begin, end, [&](T* __restrict to, const T* __restrict from, int64_t count, int64_t stride) {
    if (stride == 1) {
      for (int64_t j = 0; j < count; ++j) to[j] = combine(to[j], from[j]);
    } else {
      for (int64_t j = 0; j < count; ++j) to[j * stride] = combine(to[j * stride], from[j]);
    }
  });
}

// Unsigned stands for the integers of a sum or product, which wrap.
template <class T, class Unsigned>
void combine_with(const PlacesArgs& args, int64_t begin, int64_t end) {
  switch (args.combine) {
    case Combine::Sum:
      return combine_of<Unsigned>(args, begin, end, [](Unsigned a, Unsigned b) { return a + b; });
    case Combine::Product:
      return combine_of<Unsigned>(args, begin, end, [](Unsigned a, Unsigned b) { return a * b; });
    case Combine::Max:  // NaN wins
      return combine_of<T>(args, begin, end, [](T a, T b) { return b > a || b != b ? b : a; });
    case Combine::Min:
      return combine_of<T>(args, begin, end, [](T a, T b) { return b < a || b != b ? b : a; });
  }
}

}  // namespace

int64_t gather_offsets(const OffsetsArgs& args, int64_t begin, int64_t end) {
  return find_offsets(args, args.offsets + begin, begin, end);
}

int64_t take_one(const OffsetsArgs& args, const char* x, char* y, int item, int64_t begin, int64_t end) {
  const auto run = [&](auto* to) {
    return take_one_of(args, reinterpret_cast<decltype(to)>(const_cast<char*>(x)), to, begin, end);
  };
  switch (item) {
    case 1:
      return run(reinterpret_cast<uint8_t*>(y));
    case 2:
      return run(reinterpret_cast<uint16_t*>(y));
    case 4:
      return run(reinterpret_cast<uint32_t*>(y));
    default:
      return run(reinterpret_cast<uint64_t*>(y));
  }
}

void take_places(const PlacesArgs& args, int64_t begin, int64_t end) {
  switch (element_bytes(args.type)) {
    case 1:
      return take_of<uint8_t>(args, begin, end);
    case 2:
      return take_of<uint16_t>(args, begin, end);
    case 4:
      return take_of<uint32_t>(args, begin, end);
    default:
      return take_of<uint64_t>(args, begin, end);
  }
}

void put_places(const PlacesArgs& args, int64_t begin, int64_t end) {
  switch (element_bytes(args.type)) {
    case 1:
      return put_of<uint8_t>(args, begin, end);
    case 2:
      return put_of<uint16_t>(args, begin, end);
    case 4:
      return put_of<uint32_t>(args, begin, end);
    default:
      return put_of<uint64_t>(args, begin, end);
  }
}

void combine_places(const PlacesArgs& args, int64_t begin, int64_t end) {
  switch (args.type) {
    case Element::F64:
      return combine_with<double, double>(args, begin, end);
    case Element::I32:
      return combine_with<int32_t, uint32_t>(args, begin, end);
    case Element::I64:
      return combine_with<int64_t, uint64_t>(args, begin, end);
    default:
      return combine_with<float, float>(args, begin, end);
  }
}

int64_t count_true(const uint8_t* x, int64_t begin, int64_t end) {
  int64_t count = 0;
  for (int64_t i = begin; i < end; ++i) count += x[i] != 0;
  return count;
}

void write_true(const uint8_t* x, const Axes& axes, int64_t* places, int64_t begin, int64_t end) {
  int64_t found[kBlock];
  for (int64_t block = begin; block < end; block += kBlock) {
    const int64_t last = end - block < kBlock ? end : block + kBlock;
    int64_t picked = 0;
    for (int64_t i = block; i < last; ++i) {
      found[picked] = i;
      picked += x[i] != 0;
    }
    for (int64_t i = 0; i < picked; ++i) {
      int64_t position = found[i];
      for (int axis = axes.rank - 1; axis > 0; --axis) {
        places[axis] = position % axes.size[axis];
        position /= axes.size[axis];
      }
      if (axes.rank > 0) places[0] = position;
      places += axes.rank;
    }
  }
}

}  // namespace needlecpp::NDL_ISA
