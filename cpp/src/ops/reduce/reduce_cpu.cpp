// run_reduce() sorts and merges the axes for the kernel; where few outputs gather many numbers, it cuts the longest
// reduced axis into slices (a number that depends on the shape alone), reduces each to partial results, and reduces
// those: results do not depend on the number of threads.
#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <vector>

#include "needlecpp/core/parallel.h"
#include "ops/plumbing/scratch.h"
#include "ops/reduce/reduce_run.h"
#include "ops/reduce/segment_tasks_cpu.h"

namespace needlecpp::cpu {
namespace {

constexpr int64_t kGrain = 1 << 15;  // numbers read by one thread at least
constexpr int64_t kMostSlices = 64;
constexpr int64_t kSlicedRows = 32;  // at most this many outputs gather their numbers in slices
constexpr int64_t kSlicedOutputs = 4096;

struct Axis {
  int64_t size, x_stride, y_stride, side_stride;
};

// The axes of one kind, outermost first.
class Axes {
 public:
  void add(Axis axis) {
    if (axis.size != 1) axes_[count_++] = axis;
  }
  // By falling stride of x (repeated axes outermost), neighbours merged where both strides allow it.
  void arrange() {
    const auto key = [](const Axis& a) { return a.x_stride == 0 ? INT64_MAX : std::abs(a.x_stride); };
    for (int i = 1; i < count_; ++i) {  // by insertion: they are few, and std::stable_sort allocates
      const Axis axis = axes_[i];
      int to = i;
      for (; to > 0 && key(axes_[to - 1]) < key(axis); --to) axes_[to] = axes_[to - 1];
      axes_[to] = axis;
    }
    int kept = 0;
    for (int i = 0; i < count_; ++i) {
      Axis& outer = axes_[std::max(0, kept - 1)];
      const Axis& inner = axes_[i];
      if (kept > 0 && outer.x_stride == inner.x_stride * inner.size && outer.y_stride == inner.y_stride * inner.size &&
          outer.side_stride == inner.side_stride * inner.size)
        outer = {outer.size * inner.size, inner.x_stride, inner.y_stride, inner.side_stride};
      else
        axes_[kept++] = inner;
    }
    count_ = kept;
    if (count_ == 0) axes_[count_++] = {1, 0, 0, 0};
  }
  int count() const { return count_; }
  const Axis& operator[](int i) const { return axes_[i]; }

 private:
  int count_ = 0;
  Axis axes_[kMaxRank];
};

void run_serial(const ReduceArgs& args, int64_t outputs) { NDL_KERNEL(reduce_loop)(args, 0, outputs); }

bool is_place(ReduceOp op) { return op == ReduceOp::ArgMax || op == ReduceOp::ArgMin; }

int longest_axis(const ReduceArgs& args) {
  int longest = 0;
  for (int i = 1; i < args.reduced_rank; ++i)
    if (args.reduced_shape[i] > args.reduced_shape[longest]) longest = i;
  return longest;
}

// Slice [begin, end) of the longest reduced axis, whose outputs lie in the kernel's own order from y on.
ReduceArgs slice_of(const ReduceArgs& args, int longest, int64_t begin, int64_t end, void* y, Element y_type) {
  ReduceArgs slice = args;
  slice.reduced_shape[longest] = end - begin;
  slice.x = static_cast<const char*>(args.x) + begin * args.x_reduced[longest] * element_bytes(args.x_type);
  slice.y = y;
  slice.y_type = y_type;
  slice.divisor = 1;
  int64_t y_stride = 1;
  for (int i = args.kept_rank - 1; i >= 0; --i) {
    slice.y_kept[i] = y_stride;
    y_stride *= args.kept_shape[i];
  }
  return slice;
}

// The two steps through partial results, [slices, outputs].
void run_sliced(const ReduceArgs& args, int64_t outputs, int64_t count) {
  const int longest = longest_axis(args);
  const int64_t length = args.reduced_shape[longest];
  const int64_t slices = std::min({kMostSlices, length, outputs * count / kGrain});

  Element partial_type = Element::I64;
  if (args.op >= ReduceOp::Max)
    partial_type = args.x_type;
  else if (args.op != ReduceOp::Count && (args.x_type == Element::F32 || args.x_type == Element::F64))
    partial_type = Element::F64;
  const int64_t row_bytes = outputs * element_bytes(partial_type);
  const Scratch<char> partial(slices * row_bytes);
  parallel_tasks(slices, [&](int64_t s) {
    run_serial(slice_of(args, longest, length * s / slices, length * (s + 1) / slices, partial.data() + s * row_bytes,
                        partial_type),
               outputs);
  });

  ReduceArgs last = args;
  if (args.op < ReduceOp::Prod) last.op = ReduceOp::Sum;
  last.x = partial.data();
  last.x_type = partial_type;
  last.reduced_rank = 1;
  last.reduced_shape[0] = slices;
  last.x_reduced[0] = outputs;
  int64_t x_stride = 1;
  for (int i = args.kept_rank - 1; i >= 0; --i) {
    last.x_kept[i] = x_stride;
    x_stride *= args.kept_shape[i];
  }
  run_serial(last, outputs);
}

// Of the places that the slices found, the first of the best.
template <class T>
void choose_places(const ReduceArgs& args, const std::vector<int64_t>& places, int64_t outputs, int64_t slices) {
  const bool most = args.op == ReduceOp::ArgMax;
  for (int64_t output = 0; output < outputs; ++output) {
    const T* x = static_cast<const T*>(args.x);
    int64_t y = 0, rest = output;
    for (int axis = args.kept_rank - 1; axis >= 0; --axis) {
      const int64_t i = rest % args.kept_shape[axis];
      rest /= args.kept_shape[axis];
      x += i * args.x_kept[axis];
      y += i * args.y_kept[axis];
    }
    int64_t best = places[static_cast<size_t>(output)];
    for (int64_t s = 1; s < slices; ++s) {
      const int64_t place = places[static_cast<size_t>(s * outputs + output)];
      const T a = x[place * args.x_reduced[0]];
      const T b = x[best * args.x_reduced[0]];
      if (b == b && (a != a || (most ? a > b : a < b))) best = place;
    }
    static_cast<int64_t*>(args.y)[y] = best;
  }
}

void run_sliced_places(const ReduceArgs& args, int64_t outputs, int64_t count) {
  const int64_t slices = std::min({kMostSlices, count, outputs * count / kGrain});
  std::vector<int64_t> places(static_cast<size_t>(slices * outputs));
  parallel_tasks(slices, [&](int64_t s) {
    const int64_t begin = count * s / slices;
    int64_t* mine = places.data() + s * outputs;
    run_serial(slice_of(args, 0, begin, count * (s + 1) / slices, mine, Element::I64), outputs);
    for (int64_t i = 0; i < outputs; ++i) mine[i] += begin;
  });
  NDL_ISA::with_number(args.x_type, [&](auto zero) { choose_places<decltype(zero)>(args, places, outputs, slices); });
}

// What a reduction of nothing gives.
void fill(const View& y, double value) {
  NDL_ISA::with_number(y.element, [&](auto zero) {
    using T = decltype(zero);
    std::fill_n(y.as<T>(), y.count, static_cast<T>(value));
  });
}

// The place of the lower median of n values, or of their first NaN.
template <class T>
int64_t median_place(const T* values, std::vector<int64_t>& order) {
  const int64_t n = static_cast<int64_t>(order.size());
  const T* nan = std::find_if(values, values + n, [](T value) { return value != value; });
  if (nan != values + n) return nan - values;
  std::iota(order.begin(), order.end(), int64_t{0});
  const auto middle = order.begin() + (n - 1) / 2;
  std::nth_element(order.begin(), middle, order.end(), [values](int64_t a, int64_t b) {
    return values[a] < values[b] || (values[a] == values[b] && a < b);
  });
  return *middle;
}

constexpr double kNoSide = 0;

}  // namespace

void run_reduce(ReduceOp op, const View& x, const ReducedAxes& axes, const View& y, const ReduceExtras& extras) {
  const int64_t outputs = y.count;
  if (outputs == 0) return;
  if (x.count == 0) return fill(y, (op == ReduceOp::Prod ? 1 : 0) / extras.divisor);
  const bool sided = extras.side.given();
  Axes kept;
  Axes reduced;
  int64_t y_stride = outputs;
  for (int i = 0; i < x.rank; ++i) {
    const int64_t size = x.size[i];
    if (axes.taken[i]) {
      reduced.add({size, x.stride[i], 0, 0});
    } else {
      y_stride /= size;
      kept.add({size, x.stride[i], y_stride, sided && extras.side.count > 1 ? y_stride : 0});
    }
  }
  kept.arrange();
  reduced.arrange();

  ReduceArgs args;
  args.op = op;
  args.x_type = x.element;
  args.y_type = y.element;
  args.x = x.data;
  args.y = y.data;
  args.side = sided ? data<double>(extras.side) : &kNoSide;
  args.divisor = extras.divisor;
  args.kept_rank = kept.count();
  args.reduced_rank = reduced.count();
  for (int i = 0; i < kept.count(); ++i) {
    args.kept_shape[i] = kept[i].size;
    args.x_kept[i] = kept[i].x_stride;
    args.y_kept[i] = kept[i].y_stride;
    args.side_kept[i] = kept[i].side_stride;
  }
  for (int i = 0; i < reduced.count(); ++i) {
    args.reduced_shape[i] = reduced[i].size;
    args.x_reduced[i] = reduced[i].x_stride;
  }
  const int64_t count = x.count / outputs;
  // Whole rows are best left to one thread; columns are not, as a row of x would be cut.
  const bool by_row = std::abs(reduced[reduced.count() - 1].x_stride) < std::abs(kept[kept.count() - 1].x_stride);
  const int64_t most = by_row ? kSlicedRows : kSlicedOutputs;
  if (outputs <= most && count >= 512 && x.count >= 4 * kGrain) {
    is_place(op) ? run_sliced_places(args, outputs, count) : run_sliced(args, outputs, count);
    return;
  }
  parallel_for(outputs, std::max<int64_t>(1, kGrain / count), [&](int64_t begin, int64_t end) {
    NDL_KERNEL(reduce_loop)(args, begin, end);
  });
}

void run_reduce_segments(ReduceOp op, bool mean, const View& x, const View& offsets, const View& y) {
  if (y.count == 0) return;
  const int64_t columns = y.count / y.size[0];
  ReduceSegmentsArgs segments = {};
  ReduceArgs& args = segments.args;
  args.op = op;
  args.x_type = x.element;
  args.y_type = y.element;
  args.x = x.data;
  args.y = y.data;
  args.side = &kNoSide;
  args.divisor = 1;
  args.kept_rank = args.reduced_rank = 1;
  args.kept_shape[0] = columns;
  args.x_kept[0] = args.y_kept[0] = 1;
  args.x_reduced[0] = columns;
  segments.offsets = data<int64_t>(offsets);
  segments.x_row = segments.y_row = columns;
  segments.mean = mean;
  for_segments(
      offsets, columns, kGrain,
      [&](int64_t begin, int64_t end, int64_t longest) {
        ReduceSegmentsArgs mine = segments;
        mine.longest = longest;
        NDL_KERNEL(reduce_segments)(mine, begin, end);
      },
      [&](int64_t s, int64_t begin, int64_t end) {
        run_reduce(op, range(x, begin, end), ReducedAxes(Dims{0}), at(y, s),
                   {mean ? static_cast<double>(end - begin) : 1});
      });
}

void run_median_places(const View& x, const View& places) {
  const int64_t n = x.size[1];
  int64_t* place = data<int64_t>(places);
  NDL_ISA::with_number(x.element, [&](auto zero) {
    using T = decltype(zero);
    const T* from = x.as<T>();
    parallel_for(x.size[0], std::max<int64_t>(1, (1 << 12) / n), [&](int64_t begin, int64_t end) {
      std::vector<int64_t> order(static_cast<size_t>(n));
      for (int64_t row = begin; row < end; ++row) place[row] = median_place(from + row * n, order);
    });
  });
}

}  // namespace needlecpp::cpu
