// The reductions' kernels. Two walks cover every layout: rows() takes one output at a time and runs along the
// innermost reduced axis in vectors; columns() takes up to kBlock neighbouring outputs at once and adds whole rows to
// them. Floats are summed in float over short stretches only (kStretch numbers a chain) and in double beyond, so the
// error does not grow with the length. The order within one output is the same wherever the caller cuts the outputs.
#include <stdint.h>

#include "ops/reduce_kernels.h"
#include "simd/vec.h"

namespace needlecpp::NDL_ISA {
namespace {

constexpr int64_t kBlock = 256;
constexpr int64_t kStretch = 64;
constexpr int64_t kShortRow = 16;

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

// Sums: Part holds a stretch, Total the whole. Integers wrap around through unsigned arithmetic.
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

template <ReduceOp op, class T>
struct Fold {
  using Part = T;
  using Total = T;
  static constexpr bool sums = false;
  static constexpr bool stretches = false;  // Part must be emptied into Total from time to time
  static constexpr T start = op == ReduceOp::Max ? Limits<T>::low : Limits<T>::high;
  template <class V>
  static NDL_HD V add(V a, V b) {
    return better_of<op>(a, b);
  }
  static NDL_HD Total merge(Total a, Part b) { return better_of<op>(a, b); }
};
template <class T>
struct Fold<ReduceOp::Sum, T> {
  using Part = typename SumOf<T>::Part;
  using Total = typename SumOf<T>::Total;
  static constexpr bool sums = true;
  static constexpr bool stretches = sizeof(Part) < sizeof(Total);
  static constexpr Part start = 0;
  static NDL_HD Part add(Part a, Part b) { return a + b; }
  static NDL_HD Total merge(Total a, Part b) { return a + static_cast<Total>(b); }
};

template <class T>
inline constexpr bool is_integer = static_cast<T>(1) / static_cast<T>(2) == 0;

// Signed integers keep their sign on the way to uint64_t.
template <class F, class T>
NDL_HD typename F::Part part_of(T x) {
  return static_cast<typename F::Part>(x);
}

template <class F, class T>
NDL_HD void store_result(const ReduceArgs& args, int64_t at, typename F::Total total) {
  if (args.op != ReduceOp::Sum) {
    static_cast<T*>(args.y)[at] = static_cast<T>(total);
    return;
  }
  if (args.y_type == ReduceType::I64) {
    static_cast<int64_t*>(args.y)[at] = static_cast<int64_t>(total);
    return;
  }
  double value;
  if constexpr (is_integer<typename F::Total>)
    value = static_cast<double>(static_cast<int64_t>(total));
  else
    value = static_cast<double>(total);
  if (args.divisor != 1) value /= args.divisor;
  if (args.y_type == ReduceType::F32)
    static_cast<float*>(args.y)[at] = static_cast<float>(value);
  else
    static_cast<double*>(args.y)[at] = value;
}

// Visits every index of the reduced axes but the innermost: visit(pointer to its first element).
template <class T, class Visit>
NDL_HD void outer_reduced(const ReduceArgs& args, const T* x, Visit visit) {
  const int last = args.reduced_rank - 1;
  int64_t index[kReduceRank] = {};
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

// Visits outputs [begin, end) as runs along the innermost kept axis: visit(x, offset in y, length).
template <class T, class Visit>
NDL_HD void kept_runs(const ReduceArgs& args, int64_t begin, int64_t end, Visit visit) {
  const int last = args.kept_rank - 1;
  while (begin < end) {
    const T* x = static_cast<const T*>(args.x);
    int64_t y = 0, rest = begin, start = 0;
    for (int axis = last; axis >= 0; --axis) {
      const int64_t i = rest % args.kept_shape[axis];
      rest /= args.kept_shape[axis];
      x += i * args.x_kept[axis];
      y += i * args.y_kept[axis];
      if (axis == last) start = i;
    }
    int64_t length = args.kept_shape[last] - start;
    if (length > end - begin) length = end - begin;
    visit(x, y, length);
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
template <class T>
NDL_HD T sum_of_stretch(const T* x, int64_t n) {
  using V = typename VecOf<T>::Type;
  constexpr int64_t lanes = VecTraits<V>::lanes;
  V sums[4] = {};
  int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes)
#pragma GCC unroll 4
    for (int s = 0; s < 4; ++s) sums[s] += load<V>(x + i + s * lanes);
  for (; i + lanes <= n; i += lanes) sums[0] += load<V>(x + i);
  if (i < n) sums[1] += load<V>(x + i, n - i);
  return horizontal_sum((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

template <ReduceOp op, class T>
NDL_HD typename Fold<op, T>::Total fold_run(const T* x, int64_t n, int64_t step) {
  using F = Fold<op, T>;
  typename F::Total total = F::start;
  if (step == 1) {
    if constexpr (op != ReduceOp::Sum) {
      return best_of_run<op>(x, n);
    } else if constexpr (!is_integer<T>) {
      constexpr int64_t longest = 4 * VecTraits<typename VecOf<T>::Type>::lanes * kStretch;
      for (int64_t i = 0; i < n; i += longest) total += sum_of_stretch(x + i, n - i < longest ? n - i : longest);
      return total;
    } else {
      for (int64_t i = 0; i < n; ++i) total += part_of<F>(x[i]);
      return total;
    }
  }
  for (int64_t i = 0; i < n;) {
    typename F::Part chains[4] = {F::start, F::start, F::start, F::start};
    const int64_t stop = n - i > 4 * kStretch ? i + 4 * kStretch : n;
    for (; i + 4 <= stop; i += 4)
#pragma GCC unroll 4
      for (int c = 0; c < 4; ++c) chains[c] = F::add(chains[c], part_of<F>(x[(i + c) * step]));
    for (; i < stop; ++i) chains[0] = F::add(chains[0], part_of<F>(x[i * step]));
    total = F::merge(total, F::add(F::add(chains[0], chains[1]), F::add(chains[2], chains[3])));
  }
  return total;
}

template <ReduceOp op, class T>
void rows(const ReduceArgs& args, int64_t begin, int64_t end) {
  using F = Fold<op, T>;
  const int last = args.reduced_rank - 1;
  const int64_t n = args.reduced_shape[last], step = args.x_reduced[last];
  const int64_t x_step = args.x_kept[args.kept_rank - 1], y_step = args.y_kept[args.kept_rank - 1];
  kept_runs<T>(args, begin, end, [&](const T* x, int64_t y, int64_t length) {
    for (int64_t j = 0; j < length; ++j, x += x_step, y += y_step) {
      typename F::Total total = F::start;
      outer_reduced(args, x, [&](const T* run) {
        if constexpr (op == ReduceOp::Sum)
          total += fold_run<op>(run, n, step);
        else
          total = F::merge(total, fold_run<op>(run, n, step));
      });
      store_result<F, T>(args, y, total);
    }
  });
}

// parts[j] += four (or one) rows; x_step is the distance of neighbouring outputs.
template <class F, class T>
NDL_HD void add_rows(typename F::Part* __restrict parts, const T* x, int64_t step, int64_t x_step, int64_t count,
                     bool four) {
  int64_t j = 0;
  if constexpr (!F::sums) {
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
      const typename F::Part low = F::add(part_of<F>(at[0]), part_of<F>(at[step]));
      const typename F::Part high = F::add(part_of<F>(at[2 * step]), part_of<F>(at[3 * step]));
      parts[j] = F::add(parts[j], F::add(low, high));
    }
  } else {
    for (; j < count; ++j) parts[j] = F::add(parts[j], part_of<F>(x[j * x_step]));
  }
}

template <ReduceOp op, class T>
void columns(const ReduceArgs& args, int64_t begin, int64_t end) {
  using F = Fold<op, T>;
  const int last = args.reduced_rank - 1;
  const int64_t n = args.reduced_shape[last], step = args.x_reduced[last];
  const int64_t x_step = args.x_kept[args.kept_rank - 1], y_step = args.y_kept[args.kept_rank - 1];
  kept_runs<T>(args, begin, end, [&](const T* x, int64_t y, int64_t length) {
    for (int64_t j = 0; j < length; j += kBlock) {
      const int64_t count = length - j < kBlock ? length - j : kBlock;
      typename F::Part parts[kBlock];
      typename F::Total totals[kBlock];
      for (int64_t i = 0; i < count; ++i) parts[i] = F::start;
      for (int64_t i = 0; i < count; ++i) totals[i] = F::start;
      int64_t pending = 0;
      outer_reduced(args, x + j * x_step, [&](const T* from) {
        for (int64_t r = 0; r < n;) {
          const bool four = r + 4 <= n;
          if (x_step == 1)
            add_rows<F>(parts, from + r * step, step, 1, count, four);
          else
            add_rows<F>(parts, from + r * step, step, x_step, count, four);
          r += four ? 4 : 1;
          pending += four ? 4 : 1;
          if (F::stretches && pending >= 4 * kStretch) {
            for (int64_t i = 0; i < count; ++i) totals[i] = F::merge(totals[i], parts[i]);
            for (int64_t i = 0; i < count; ++i) parts[i] = F::start;
            pending = 0;
          }
        }
      });
      for (int64_t i = 0; i < count; ++i) store_result<F, T>(args, y + (j + i) * y_step, F::merge(totals[i], parts[i]));
    }
  });
}

// Where the first best value stands: find the value in vectors, then look for it.
template <ReduceOp op, class T>
int64_t place_of_best(const T* x, int64_t n, int64_t step) {
  constexpr ReduceOp value_op = op == ReduceOp::ArgMax ? ReduceOp::Max : ReduceOp::Min;
  const T best = static_cast<T>(fold_run<value_op>(x, n, step));
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
  kept_runs<T>(args, begin, end, [&](const T* x, int64_t y, int64_t length) {
    for (int64_t j = 0; j < length; ++j)
      static_cast<int64_t*>(args.y)[y + j * y_step] =
          place_of_best<op>(x + j * x_step, args.reduced_shape[0], args.x_reduced[0]);
  });
}

template <ReduceOp op, class T>
void places_by_column(const ReduceArgs& args, int64_t begin, int64_t end) {
  const int64_t x_step = args.x_kept[args.kept_rank - 1], y_step = args.y_kept[args.kept_rank - 1];
  kept_runs<T>(args, begin, end, [&](const T* x, int64_t y, int64_t length) {
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

template <ReduceOp op>
void reduce_op(const ReduceArgs& args, int64_t begin, int64_t end) {
  switch (args.x_type) {
    case ReduceType::F32:
      return reduce_typed<op, float>(args, begin, end);
    case ReduceType::F64:
      return reduce_typed<op, double>(args, begin, end);
    case ReduceType::I32:
      return reduce_typed<op, int32_t>(args, begin, end);
    case ReduceType::I64:
      return reduce_typed<op, int64_t>(args, begin, end);
    case ReduceType::U8:
      return reduce_typed<op, uint8_t>(args, begin, end);
  }
}

}  // namespace

void reduce_loop(const ReduceArgs& args, int64_t begin, int64_t end) {
  switch (args.op) {
    case ReduceOp::Sum:
      return reduce_op<ReduceOp::Sum>(args, begin, end);
    case ReduceOp::Max:
      return reduce_op<ReduceOp::Max>(args, begin, end);
    case ReduceOp::Min:
      return reduce_op<ReduceOp::Min>(args, begin, end);
    case ReduceOp::ArgMax:
      return reduce_op<ReduceOp::ArgMax>(args, begin, end);
    case ReduceOp::ArgMin:
      return reduce_op<ReduceOp::ArgMin>(args, begin, end);
  }
}

}  // namespace needlecpp::NDL_ISA
