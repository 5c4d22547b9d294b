// The reductions' kernels. Two walks cover every layout: rows() takes one output at a time and runs along the
// innermost reduced axis in vectors; columns() takes up to kBlock neighbouring outputs at once and adds whole rows to
// them. Floats are summed in float over short stretches only (kStretch numbers a chain) and in double beyond, so the
// error does not grow with the length. The order within one output is the same wherever the caller cuts the outputs.
#include <stdint.h>

#include "ops/reduce/reduce_kernels.h"
#include "simd/math.h"
#include "simd/vec.h"

namespace needlecpp::NDL_ISA {
namespace {

constexpr int64_t kBlock = 256;
constexpr int64_t kStretch = 64;
constexpr int64_t kShortRow = 16;

template <bool first, class A, class B>
struct Choose {
  using Type = A;
};
template <class A, class B>
struct Choose<false, A, B> {
  using Type = B;
};

template <class T>
struct Limits;
template <>
struct Limits<float> {
  static constexpr float low = -__builtin_inff(), high = __builtin_inff();
};
template <>
struct Limits<double> {
  static constexpr double low = -__builtin_inf(), high = __builtin_inf();
};
template <>
struct Limits<int32_t> {
  static constexpr int32_t low = INT32_MIN, high = INT32_MAX;
};
template <>
struct Limits<int64_t> {
  static constexpr int64_t low = INT64_MIN, high = INT64_MAX;
};
template <>
struct Limits<uint8_t> {
  static constexpr uint8_t low = 0, high = UINT8_MAX;
};

// Part holds a stretch, Total the whole. Integers wrap around through unsigned arithmetic.
template <class T>
struct SumOf {
  using Part = uint64_t;
  using Total = uint64_t;
};
template <>
struct SumOf<float> {
  using Part = float;
  using Total = double;
};
template <>
struct SumOf<double> {
  using Part = double;
  using Total = double;
};

template <class T>
inline constexpr bool is_integer = static_cast<T>(1) / static_cast<T>(2) == 0;
inline constexpr bool is_best(ReduceOp op) { return op >= ReduceOp::Max; }

// How an op turns an element into a Part (map), adds Parts, and joins Totals.
template <ReduceOp op, class T>
struct Fold {  // sums
  static constexpr bool counts = op == ReduceOp::Count;
  using Part = typename SumOf<typename Choose<counts, int64_t, T>::Type>::Part;
  using Total = typename SumOf<typename Choose<counts, int64_t, T>::Type>::Total;
  static constexpr bool vectors = !counts && !is_integer<T>;       // map takes vectors
  static constexpr bool stretches = sizeof(Part) < sizeof(Total);  // Part must be emptied into Total from time to time
  static constexpr Part start = 0;
  static NDL_HD Part add(Part a, Part b) { return a + b; }
  static NDL_HD Total join(Total a, Total b) { return a + b; }
  template <class V>
  static NDL_HD auto map(V x, [[maybe_unused]] V side) {
    if constexpr (counts) {
      return static_cast<Part>(x != 0);
    } else if constexpr (op == ReduceOp::SumNumbers) {
      return m_select(x == x, x, V{});
    } else if constexpr (op == ReduceOp::SumAbs) {
      return m_abs(x);
    } else if constexpr (op == ReduceOp::SumSquares) {
      return (x - side) * (x - side);
    } else if constexpr (op == ReduceOp::SumPowers) {
      return m_pow(m_abs(x), side);
    } else if constexpr (is_integer<T>) {
      return static_cast<Part>(x);  // signed integers keep their sign on the way to uint64_t
    } else {
      return x;
    }
  }
};
template <class T>
struct Fold<ReduceOp::Prod, T> {
  using Part = typename SumOf<T>::Total;
  using Total = Part;
  static constexpr bool vectors = false;
  static constexpr bool stretches = false;
  static constexpr Part start = 1;
  static NDL_HD Part add(Part a, Part b) { return a * b; }
  static NDL_HD Total join(Total a, Total b) { return a * b; }
  static NDL_HD Part map(T x, T) { return static_cast<Part>(x); }
};
template <ReduceOp op, class T>
requires(is_best(op)) struct Fold<op, T> {
  using Part = T;
  using Total = T;
  static constexpr bool vectors = false;
  static constexpr bool stretches = false;
  static constexpr T start = op == ReduceOp::Max ? Limits<T>::low : Limits<T>::high;
  template <class V>
  static NDL_HD V add(V a, V b) {
    return better_of<op>(a, b);
  }
  static NDL_HD Total join(Total a, Total b) { return better_of<op>(a, b); }
  static NDL_HD Part map(T x, T) { return x; }
};

template <ReduceOp op, class T>
NDL_HD void store_result(const ReduceArgs& args, int64_t at, typename Fold<op, T>::Total total) {
  if constexpr (is_best(op)) {
    static_cast<T*>(args.y)[at] = total;
    return;
  }
  if (args.y_type == Element::I64) {
    static_cast<int64_t*>(args.y)[at] = static_cast<int64_t>(total);
    return;
  }
  double value;
  if constexpr (is_integer<typename Fold<op, T>::Total>)
    value = static_cast<double>(static_cast<int64_t>(total));
  else
    value = static_cast<double>(total);
  if (args.divisor != 1) value /= args.divisor;
  if (args.y_type == Element::F32)
    static_cast<float*>(args.y)[at] = static_cast<float>(value);
  else
    static_cast<double*>(args.y)[at] = value;
}

// Visits every index of the reduced axes but the innermost: visit(pointer to its first element).
template <class T, class Visit>
NDL_HD void outer_reduced(const ReduceArgs& args, const T* x, Visit visit) {
  const int last = args.reduced_rank - 1;
  int64_t index[kViewRank] = {};
  while (true) {
    visit(x);
    int axis = last - 1;
    for (; axis >= 0; --axis) {
      x += args.x_reduced[axis];
      if (++index[axis] < args.reduced_shape[axis]) break;
      x -= args.x_reduced[axis] * args.reduced_shape[axis];
      index[axis] = 0;
    }
    if (axis < 0) return;
  }
}

// Visits outputs [begin, end) as runs along the innermost kept axis: visit(x, offset in y, side, length).
template <class T, class Visit>
NDL_HD void kept_runs(const ReduceArgs& args, int64_t begin, int64_t end, Visit visit) {
  const int last = args.kept_rank - 1;
  while (begin < end) {
    const T* x = static_cast<const T*>(args.x);
    const double* side = args.side;
    int64_t y = 0, rest = begin, start = 0;
    for (int axis = last; axis >= 0; --axis) {
      const int64_t i = rest % args.kept_shape[axis];
      rest /= args.kept_shape[axis];
      x += i * args.x_kept[axis];
      y += i * args.y_kept[axis];
      side += i * args.side_kept[axis];
      if (axis == last) start = i;
    }
    int64_t length = args.kept_shape[last] - start;
    if (length > end - begin) length = end - begin;
    visit(x, y, side, length);
    begin += length;
  }
}

// The best of a contiguous run, with vectors of any element type.
template <ReduceOp op, class T>
NDL_HD T best_of_run(const T* x, int64_t n) {
  typedef T V __attribute__((vector_size(kFloats * 4)));
  constexpr int64_t lanes = kFloats * 4 / sizeof(T);
  T best = Fold<op, T>::start;
  int64_t i = 0;
  if (n >= 2 * lanes) {
    V a = load<V>(x), b = load<V>(x + lanes);
    for (i = 2 * lanes; i + 2 * lanes <= n; i += 2 * lanes) {
      a = better_of<op>(a, load<V>(x + i));
      b = better_of<op>(b, load<V>(x + i + lanes));
    }
    a = better_of<op>(a, b);
    for (int64_t lane = 0; lane < lanes; ++lane) best = better_of<op>(best, static_cast<T>(a[lane]));
  }
  for (; i < n; ++i) best = better_of<op>(best, x[i]);
  return best;
}

// The sum of a contiguous run of at most 4 * lanes * kStretch floats or doubles.
template <class F, class T>
NDL_HD T sum_of_stretch(const T* x, int64_t n, T side) {
  using V = typename VecOf<T>::Type;
  constexpr int64_t lanes = VecTraits<V>::lanes;
  const V s = splat<V>(side);
  V sums[4] = {};
  int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes)
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k) sums[k] += F::map(load<V>(x + i + k * lanes), s);
  for (; i + lanes <= n; i += lanes) sums[0] += F::map(load<V>(x + i), s);
  if (i < n) sums[1] += select(first_lanes<typename VecTraits<V>::Mask>(n - i), F::map(load<V>(x + i, n - i), s), V{});
  return horizontal_sum((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

template <ReduceOp op, class T>
NDL_HD typename Fold<op, T>::Total fold_run(const T* x, int64_t n, int64_t step, T side) {
  using F = Fold<op, T>;
  typename F::Total total = F::start;
  if (step == 1) {
    if constexpr (is_best(op)) {
      return best_of_run<op>(x, n);
    } else if constexpr (F::vectors) {
      constexpr int64_t longest = 4 * VecTraits<typename VecOf<T>::Type>::lanes * kStretch;
      for (int64_t i = 0; i < n; i += longest)
        total += sum_of_stretch<F>(x + i, n - i < longest ? n - i : longest, side);
      return total;
    } else if constexpr (op != ReduceOp::Prod) {
      for (int64_t i = 0; i < n; ++i) total += F::map(x[i], side);
      return total;
    }
  }
  for (int64_t i = 0; i < n;) {
    typename F::Part chains[4] = {F::start, F::start, F::start, F::start};
    const int64_t stop = n - i > 4 * kStretch ? i + 4 * kStretch : n;
    for (; i + 4 <= stop; i += 4)
#pragma GCC unroll 4
      for (int c = 0; c < 4; ++c) chains[c] = F::add(chains[c], F::map(x[(i + c) * step], side));
    for (; i < stop; ++i) chains[0] = F::add(chains[0], F::map(x[i * step], side));
    total = F::join(total, F::add(F::add(chains[0], chains[1]), F::add(chains[2], chains[3])));
  }
  return total;
}

template <ReduceOp op, class T>
void rows(const ReduceArgs& args, int64_t begin, int64_t end) {
  using F = Fold<op, T>;
  const int last = args.reduced_rank - 1;
  const int64_t n = args.reduced_shape[last], step = args.x_reduced[last];
  const int inner = args.kept_rank - 1;
  kept_runs<T>(args, begin, end, [&](const T* x, int64_t y, const double* side, int64_t length) {
    for (int64_t j = 0; j < length; ++j) {
      const T own_side = static_cast<T>(side[j * args.side_kept[inner]]);
      typename F::Total total = F::start;
      outer_reduced(args, x + j * args.x_kept[inner],
                    [&](const T* run) { total = F::join(total, fold_run<op>(run, n, step, own_side)); });
      store_result<op, T>(args, y + j * args.y_kept[inner], total);
    }
  });
}

// parts[j] += four (or one) rows; x_step is the distance of neighbouring outputs.
template <ReduceOp op, class T, class F = Fold<op, T>>
NDL_HD void add_rows(typename F::Part* __restrict parts, const T* x, const T* sides, int64_t step, int64_t x_step,
                     int64_t count, bool four) {
  int64_t j = 0;
  if constexpr (is_best(op)) {
    // Compilers do not turn the choice of the better number into vectors by themselves.
    typedef T V __attribute__((vector_size(kFloats * 4)));
    constexpr int64_t lanes = kFloats * 4 / sizeof(T);
    for (; x_step == 1 && j + lanes <= count; j += lanes) {
      V best = load<V>(x + j);
      if (four) {
        best = F::add(best, load<V>(x + step + j));
        best = F::add(best, F::add(load<V>(x + 2 * step + j), load<V>(x + 3 * step + j)));
      }
      store(parts + j, F::add(load<V>(parts + j), best));
    }
  }
  if (four) {
    for (; j < count; ++j) {
      const T* at = x + j * x_step;
      const typename F::Part low = F::add(F::map(at[0], sides[j]), F::map(at[step], sides[j]));
      const typename F::Part high = F::add(F::map(at[2 * step], sides[j]), F::map(at[3 * step], sides[j]));
      parts[j] = F::add(parts[j], F::add(low, high));
    }
  } else {
    for (; j < count; ++j) parts[j] = F::add(parts[j], F::map(x[j * x_step], sides[j]));
  }
}

template <ReduceOp op, class T>
void columns(const ReduceArgs& args, int64_t begin, int64_t end) {
  using F = Fold<op, T>;
  const int last = args.reduced_rank - 1;
  const int64_t n = args.reduced_shape[last], step = args.x_reduced[last];
  const int64_t x_step = args.x_kept[args.kept_rank - 1], y_step = args.y_kept[args.kept_rank - 1];
  const int64_t side_step = args.side_kept[args.kept_rank - 1];
  kept_runs<T>(args, begin, end, [&](const T* x, int64_t y, const double* side, int64_t length) {
    for (int64_t j = 0; j < length; j += kBlock) {
      const int64_t count = length - j < kBlock ? length - j : kBlock;
      typename F::Part parts[kBlock];
      typename F::Total totals[kBlock];
      T sides[kBlock];
      for (int64_t i = 0; i < count; ++i) parts[i] = F::start;
      for (int64_t i = 0; i < count; ++i) totals[i] = F::start;
      for (int64_t i = 0; i < count; ++i) sides[i] = static_cast<T>(side[(j + i) * side_step]);
      int64_t pending = 0;
      outer_reduced(args, x + j * x_step, [&](const T* from) {
        for (int64_t r = 0; r < n;) {
          const bool four = r + 4 <= n;
          if (x_step == 1)
            add_rows<op>(parts, from + r * step, sides, step, 1, count, four);
          else
            add_rows<op>(parts, from + r * step, sides, step, x_step, count, four);
          r += four ? 4 : 1;
          pending += four ? 4 : 1;
          if (F::stretches && pending >= 4 * kStretch) {
            for (int64_t i = 0; i < count; ++i) totals[i] = F::join(totals[i], parts[i]);
            for (int64_t i = 0; i < count; ++i) parts[i] = F::start;
            pending = 0;
          }
        }
      });
      for (int64_t i = 0; i < count; ++i) store_result<op, T>(args, y + (j + i) * y_step, F::join(totals[i], parts[i]));
    }
  });
}

// Where the first best value stands: find the value in vectors, then look for it.
template <ReduceOp op, class T>
int64_t place_of_best(const T* x, int64_t n, int64_t step) {
  constexpr ReduceOp value_op = op == ReduceOp::ArgMax ? ReduceOp::Max : ReduceOp::Min;
  const T best = static_cast<T>(fold_run<value_op>(x, n, step, T{}));
  const bool nan = best != best;
  int64_t i = 0;
  if (step == 1 && !nan) {
    typedef T V __attribute__((vector_size(kFloats * 4)));
    constexpr int64_t lanes = kFloats * 4 / sizeof(T);
    for (; i + 4 * lanes <= n; i += 4 * lanes) {
      const auto found = (load<V>(x + i) == best) | (load<V>(x + i + lanes) == best) |
                         (load<V>(x + i + 2 * lanes) == best) | (load<V>(x + i + 3 * lanes) == best);
      if (any(found)) break;
    }
  }
  for (; i < n; ++i) {
    const T value = x[i * step];
    if (value == best || (nan && value != value)) return i;
  }
  return 0;
}

template <ReduceOp op, class T>
void places_by_row(const ReduceArgs& args, int64_t begin, int64_t end) {
  const int64_t x_step = args.x_kept[args.kept_rank - 1], y_step = args.y_kept[args.kept_rank - 1];
  kept_runs<T>(args, begin, end, [&](const T* x, int64_t y, const double*, int64_t length) {
    for (int64_t j = 0; j < length; ++j)
      static_cast<int64_t*>(args.y)[y + j * y_step] =
          place_of_best<op>(x + j * x_step, args.reduced_shape[0], args.x_reduced[0]);
  });
}

template <ReduceOp op, class T>
void places_by_column(const ReduceArgs& args, int64_t begin, int64_t end) {
  const int64_t x_step = args.x_kept[args.kept_rank - 1], y_step = args.y_kept[args.kept_rank - 1];
  kept_runs<T>(args, begin, end, [&](const T* x, int64_t y, const double*, int64_t length) {
    for (int64_t j = 0; j < length; j += kBlock) {
      const int64_t count = length - j < kBlock ? length - j : kBlock;
      const T* from = x + j * x_step;
      T best[kBlock];
      int64_t place[kBlock];
      for (int64_t i = 0; i < count; ++i) best[i] = from[i * x_step];
      for (int64_t i = 0; i < count; ++i) place[i] = 0;
      for (int64_t r = 1; r < args.reduced_shape[0]; ++r)
        for (int64_t i = 0; i < count; ++i) {
          const T value = from[r * args.x_reduced[0] + i * x_step];
          const bool order = op == ReduceOp::ArgMax ? value > best[i] : value < best[i];
          const bool wins = order | ((value != value) & (best[i] == best[i]));
          best[i] = wins ? value : best[i];
          place[i] = wins ? r : place[i];
        }
      for (int64_t i = 0; i < count; ++i) static_cast<int64_t*>(args.y)[y + (j + i) * y_step] = place[i];
    }
  });
}

NDL_HD int64_t magnitude(int64_t x) { return x < 0 ? -x : x; }

bool by_column(const ReduceArgs& args) {
  const int64_t outputs = args.kept_shape[args.kept_rank - 1];
  const int64_t kept = magnitude(args.x_kept[args.kept_rank - 1]);
  const int64_t reduced = magnitude(args.x_reduced[args.reduced_rank - 1]);
  if (outputs < 4) return false;
  if (kept == 1 && reduced == 1) return false;
  if (kept < reduced) return true;
  return args.reduced_rank == 1 && args.reduced_shape[0] < kShortRow && outputs >= kShortRow;
}

template <ReduceOp op, class T>
void reduce_typed(const ReduceArgs& args, int64_t begin, int64_t end) {
  const bool columnwise = by_column(args);
  if constexpr (op == ReduceOp::ArgMax || op == ReduceOp::ArgMin)
    columnwise ? places_by_column<op, T>(args, begin, end) : places_by_row<op, T>(args, begin, end);
  else
    columnwise ? columns<op, T>(args, begin, end) : rows<op, T>(args, begin, end);
}

// Calls run for args' op and type: run.template operator()<op, T>().
template <ReduceOp op, class Run>
NDL_HD void with_type(const ReduceArgs& args, Run run) {
  const auto typed = [&](auto zero) { run.template operator()<op, decltype(zero)>(); };
  if constexpr (op < ReduceOp::SumNumbers || op > ReduceOp::SumPowers)
    with_number(args.x_type, typed);
  else
    with_float(args.x_type, typed);
}
template <class Run>
NDL_HD void with_op(const ReduceArgs& args, Run run) {
  switch (args.op) {
    case ReduceOp::Sum:
      return with_type<ReduceOp::Sum>(args, run);
    case ReduceOp::SumNumbers:
      return with_type<ReduceOp::SumNumbers>(args, run);
    case ReduceOp::SumAbs:
      return with_type<ReduceOp::SumAbs>(args, run);
    case ReduceOp::SumSquares:
      return with_type<ReduceOp::SumSquares>(args, run);
    case ReduceOp::SumPowers:
      return with_type<ReduceOp::SumPowers>(args, run);
    case ReduceOp::Count:
      return with_type<ReduceOp::Count>(args, run);
    case ReduceOp::Prod:
      return with_type<ReduceOp::Prod>(args, run);
    case ReduceOp::Max:
      return with_type<ReduceOp::Max>(args, run);
    case ReduceOp::Min:
      return with_type<ReduceOp::Min>(args, run);
    case ReduceOp::ArgMax:
      return with_type<ReduceOp::ArgMax>(args, run);
    case ReduceOp::ArgMin:
      return with_type<ReduceOp::ArgMin>(args, run);
  }
}

}  // namespace

void reduce_loop(const ReduceArgs& args, int64_t begin, int64_t end) {
  with_op(args, [&]<ReduceOp op, class T>() { reduce_typed<op, T>(args, begin, end); });
}

void reduce_segments(const ReduceSegmentsArgs& segments, int64_t begin, int64_t end) {
  ReduceArgs one = segments.args;
  const char* x = static_cast<const char*>(one.x);
  char* y = static_cast<char*>(one.y);
  const int64_t x_row = segments.x_row * element_bytes(one.x_type), y_row = segments.y_row * element_bytes(one.y_type);
  with_op(one, [&]<ReduceOp op, class T>() {
    for (int64_t s = begin; s < end; ++s) {
      const int64_t rows = segments.offsets[s + 1] - segments.offsets[s];
      if (rows > segments.longest) continue;
      one.x = x + segments.offsets[s] * x_row;
      one.y = y + s * y_row;
      one.reduced_shape[0] = rows;
      if (segments.mean) one.divisor = static_cast<double>(rows);
      reduce_typed<op, T>(one, 0, one.kept_shape[0]);
    }
  });
}

}  // namespace needlecpp::NDL_ISA
