// Scans. Rule<op, T> says what an op gathers (its State), how one element is added and how two states join. One walk
// serves all: lanes() scans several rows side by side, up to kBlock neighbouring ones where the scanned axis is not the
// innermost, else kLanes, so that an addition need not wait for the one before.
#include <stdint.h>

#include "ops/reduce/scan_kernels.h"
#include "simd/math.h"

namespace needlecpp::NDL_ISA {
namespace {

constexpr int64_t kBlock = 256;
constexpr int64_t kLanes = 4;

template <class T>
struct Wide {  // sums wrap around
  using State = uint64_t;
  using Result = int64_t;
};
template <>
struct Wide<float> {
  using State = double;
  using Result = float;
};
template <>
struct Wide<double> {
  using State = double;
  using Result = double;
};

template <class T>
NDL_HD T lowest() {
  if constexpr (static_cast<T>(0.5) != 0)
    return static_cast<T>(-__builtin_inf());
  else if constexpr (sizeof(T) == 1)
    return 0;
  else
    return static_cast<T>(sizeof(T) == 4 ? INT32_MIN : INT64_MIN);
}
template <class T>
NDL_HD T highest() {
  if constexpr (static_cast<T>(0.5) != 0)
    return static_cast<T>(__builtin_inf());
  else if constexpr (sizeof(T) == 1)
    return UINT8_MAX;
  else
    return static_cast<T>(sizeof(T) == 4 ? INT32_MAX : INT64_MAX);
}

template <ScanOp op, class T>
struct Rule;

template <class T>
struct Rule<ScanOp::Sum, T> {
  using State = typename Wide<T>::State;
  using Result = typename Wide<T>::Result;
  static NDL_HD State start() { return 0; }
  static NDL_HD State next(State s, T x, T, int64_t) { return s + static_cast<State>(x); }
  static NDL_HD State join(State a, State b) { return a + b; }
  static NDL_HD Result result(State s) { return static_cast<Result>(s); }
};
template <class T>
struct Rule<ScanOp::Prod, T> {
  using State = typename Wide<T>::State;
  using Result = typename Wide<T>::Result;
  static NDL_HD State start() { return 1; }
  static NDL_HD State next(State s, T x, T, int64_t) { return s * static_cast<State>(x); }
  static NDL_HD State join(State a, State b) { return a * b; }
  static NDL_HD Result result(State s) { return static_cast<Result>(s); }
};
template <ScanOp op, class T>
requires(op == ScanOp::Max || op == ScanOp::Min) struct Rule<op, T> {
  using State = T;
  using Result = T;
  static NDL_HD State start() { return op == ScanOp::Max ? lowest<T>() : highest<T>(); }
  static NDL_HD State next(State s, T x, T, int64_t) { return join(s, x); }
  static NDL_HD State join(State a, State b) { return ((op == ScanOp::Max ? a > b : a < b) | (a != a)) ? a : b; }
  static NDL_HD Result result(State s) { return s; }
};
template <ScanOp op, class T>
requires(op == ScanOp::PlaceMax || op == ScanOp::PlaceMin) struct Rule<op, T> {
  struct State {
    T best;
    int64_t place;
  };
  using Result = int64_t;
  static NDL_HD State start() { return {op == ScanOp::PlaceMax ? lowest<T>() : highest<T>(), -1}; }
  static NDL_HD State next(State s, T x, T, int64_t place) { return join(s, {x, place}); }
  static NDL_HD State join(State a, State b) {
    const bool order = op == ScanOp::PlaceMax ? b.best >= a.best : b.best <= a.best;
    const bool wins = order | (b.best != b.best);
    return {wins ? b.best : a.best, wins ? b.place : a.place};
  }
  static NDL_HD Result result(State s) { return s.place; }
};
template <class T>
struct Rule<ScanOp::LogSumExp, T> {
  using State = double;
  using Result = T;
  static NDL_HD State start() { return -__builtin_inf(); }
  static NDL_HD State next(State s, T x, T, int64_t) { return join(s, static_cast<double>(x)); }
  static NDL_HD State join(State a, State b) {
    if (a != a || b != b) return a + b;
    const double high = a > b ? a : b, low = a > b ? b : a;
    return high - high == 0 ? high + m_log1p(m_exp(low - high)) : high;  // not for infinities
  }
  static NDL_HD Result result(State s) { return static_cast<Result>(s); }
};
template <class T>
struct Rule<ScanOp::Last, T> {
  using State = T;
  using Result = T;
  static NDL_HD State start() { return 0; }
  static NDL_HD State next(State, T x, T, int64_t) { return x; }
  static NDL_HD State join(State, State b) { return b; }
  static NDL_HD Result result(State s) { return s; }
};
template <class T>
struct Rule<ScanOp::Linear, T> {
  struct State {
    double value, factor;  // a scan from y gives factor y + value
  };
  using Result = T;
  static NDL_HD State start() { return {0, 1}; }
  static NDL_HD State next(State s, T x, T a, int64_t) {
    const double factor = static_cast<double>(a);
    return {factor * s.value + static_cast<double>(x), factor * s.factor};
  }
  static NDL_HD State join(State a, State b) { return {b.factor * a.value + b.value, a.factor * b.factor}; }
  static NDL_HD Result result(State s) { return static_cast<Result>(s.value); }
};

template <class State>
NDL_HD State unpacked(const ScanCarry& carry) {
  static_assert(sizeof(State) <= sizeof(ScanCarry));
  State state;
  memcpy(&state, &carry, sizeof state);
  return state;
}
template <class State>
NDL_HD ScanCarry packed(const State& state) {
  ScanCarry carry = {};
  memcpy(&carry, &state, sizeof state);
  return carry;
}

// Where a block of neighbouring rows starts, and the distances of the rows.
template <class R, class T>
struct Block {
  const T* x;
  const T* a;
  typename R::Result* y;
  int64_t place;
  int64_t x_next, a_next, y_next;
};

// Scans `rows` rows side by side from the states; y is written unless it is left out.
template <bool kLinear, bool kStore, class R, class T>
NDL_HD void lanes(const ScanArgs& args, const Block<R, T>& block, int64_t x_next, int64_t y_next, int64_t rows,
                  typename R::State* states) {
  using State = typename R::State;
  const bool exclusive = args.exclusive;
  for (int64_t i = 0; i < args.length; ++i) {
    const T* x = block.x + i * args.x_step;
    const T* a = kLinear ? block.a + i * args.a_step : x;
    typename R::Result* y = block.y + i * args.y_step;
    const int64_t place = block.place + i * args.place_step;
#pragma GCC unroll 4
    for (int64_t j = 0; j < rows; ++j) {
      const State before = states[j];
      const State after = R::next(before, x[j * x_next], a[kLinear ? j * block.a_next : 0], place + j * args.place_row);
      if constexpr (kStore) y[j * y_next] = R::result(exclusive ? before : after);
      states[j] = after;
    }
  }
}

template <ScanOp op, class T, class R = Rule<op, T>>
NDL_HD void scan_block(const ScanArgs& args, Block<R, T> block, int64_t rows, const ScanCarry* carries) {
  using State = typename R::State;
  constexpr bool linear = op == ScanOp::Linear;
  const bool columns = block.y_next == 1 && rows > 1;
  while (rows > 0) {
    const int64_t most = columns ? kBlock : kLanes;
    const int64_t now = rows < most ? (columns ? rows : 1) : most;
    if (columns) {
      State states[kBlock];
      for (int64_t j = 0; j < now; ++j) states[j] = carries ? unpacked<State>(carries[j]) : R::start();
      if (block.x_next == 1)
        lanes<linear, true, R, T>(args, block, 1, 1, now, states);
      else
        lanes<linear, true, R, T>(args, block, block.x_next, 1, now, states);
    } else {
      State states[kLanes];
      for (int64_t j = 0; j < now; ++j) states[j] = carries ? unpacked<State>(carries[j]) : R::start();
      if (now == kLanes)
        lanes<linear, true, R, T>(args, block, block.x_next, block.y_next, kLanes, states);
      else
        lanes<linear, true, R, T>(args, block, 0, 0, 1, states);
    }
    rows -= now;
    block.x += now * block.x_next;
    if (linear) block.a += now * block.a_next;
    block.y += now * block.y_next;
    block.place += now * args.place_row;
    if (carries) carries += now;
  }
}

template <ScanOp op, class T>
void rows_typed(const ScanArgs& args, int64_t begin, int64_t end) {
  using R = Rule<op, T>;
  const int last = args.kept_rank - 1;
  while (begin < end) {
    Block<R, T> block = {static_cast<const T*>(args.x),
                         static_cast<const T*>(args.a),
                         static_cast<typename R::Result*>(args.y),
                         args.first_place,
                         args.x_kept[last],
                         args.a_kept[last],
                         args.y_kept[last]};
    int64_t rest = begin, start = 0;
    for (int axis = last; axis >= 0; --axis) {
      const int64_t i = rest % args.kept_shape[axis];
      rest /= args.kept_shape[axis];
      block.x += i * args.x_kept[axis];
      if (op == ScanOp::Linear) block.a += i * args.a_kept[axis];
      block.y += i * args.y_kept[axis];
      if (axis == last) start = i;
    }
    block.place += start * args.place_row;
    int64_t rows = args.kept_shape[last] - start;
    if (rows > end - begin) rows = end - begin;
    scan_block<op>(args, block, rows, args.carries ? args.carries + begin : nullptr);
    begin += rows;
  }
}

template <ScanOp op, class T>
void totals_typed(const ScanArgs& args, int64_t begin, int64_t end, ScanCarry* totals) {
  using R = Rule<op, T>;
  while (begin < end) {
    const int64_t rows = end - begin < kLanes ? 1 : kLanes;
    const T* a = static_cast<const T*>(args.a);
    const Block<R, T> block = {static_cast<const T*>(args.x) + begin * args.x_kept[0],
                               op == ScanOp::Linear ? a + begin * args.a_kept[0] : nullptr,
                               nullptr,
                               args.first_place + begin * args.place_row,
                               args.x_kept[0],
                               args.a_kept[0],
                               0};
    typename R::State states[kLanes];
    for (int64_t j = 0; j < rows; ++j) states[j] = R::start();
    if (rows == kLanes)
      lanes<op == ScanOp::Linear, false, R, T>(args, block, block.x_next, 0, kLanes, states);
    else
      lanes<op == ScanOp::Linear, false, R, T>(args, block, 0, 0, 1, states);
    for (int64_t j = 0; j < rows; ++j) totals[begin + j] = packed(states[j]);
    begin += rows;
  }
}

template <ScanOp op, class T>
void carries_typed(ScanCarry* totals, int64_t count) {
  using R = Rule<op, T>;
  typename R::State state = R::start();
  for (int64_t i = 0; i < count; ++i) {
    const typename R::State own = unpacked<typename R::State>(totals[i]);
    totals[i] = packed(state);
    state = R::join(state, own);
  }
}

template <ScanOp op, class T>
void segments_typed(const ScanSegmentsArgs& segments, int64_t begin, int64_t end) {
  using R = Rule<op, T>;
  ScanArgs one = segments.args;
  const int64_t sign = segments.reverse ? -1 : 1;
  one.x_step *= sign;
  one.a_step *= sign;
  one.y_step *= sign;
  one.place_step = sign;
  for (int64_t s = begin; s < end; ++s) {
    one.length = segments.offsets[s + 1] - segments.offsets[s];
    if (one.length > segments.longest) continue;
    const int64_t first = segments.reverse ? segments.offsets[s + 1] - 1 : segments.offsets[s];
    const T* a = static_cast<const T*>(one.a);
    scan_block<op>(one,
                   Block<R, T>{static_cast<const T*>(one.x) + first * segments.args.x_step,
                               op == ScanOp::Linear ? a + first * segments.args.a_step : nullptr,
                               static_cast<typename R::Result*>(one.y) + first * segments.args.y_step, first, 1, 1, 1},
                   one.kept_shape[0], nullptr);
  }
}

template <ScanOp op, class Run>
NDL_HD void with_type(Element type, Run run) {
  const auto typed = [&](auto zero) { run.template operator()<op, decltype(zero)>(); };
  if constexpr (op < ScanOp::LogSumExp || op > ScanOp::Linear)
    with_number(type, typed);
  else
    with_float(type, typed);
}
// Calls run.template operator()<op, T>() for args' op and type.
template <class Run>
NDL_HD void with_op(const ScanArgs& args, Run run) {
  switch (args.op) {
    case ScanOp::Sum:
      return with_type<ScanOp::Sum>(args.type, run);
    case ScanOp::Prod:
      return with_type<ScanOp::Prod>(args.type, run);
    case ScanOp::Max:
      return with_type<ScanOp::Max>(args.type, run);
    case ScanOp::Min:
      return with_type<ScanOp::Min>(args.type, run);
    case ScanOp::LogSumExp:
      return with_type<ScanOp::LogSumExp>(args.type, run);
    case ScanOp::Last:
      return with_type<ScanOp::Last>(args.type, run);
    case ScanOp::Linear:
      return with_type<ScanOp::Linear>(args.type, run);
    case ScanOp::PlaceMax:
      return with_type<ScanOp::PlaceMax>(args.type, run);
    case ScanOp::PlaceMin:
      return with_type<ScanOp::PlaceMin>(args.type, run);
  }
}

}  // namespace

void scan_rows(const ScanArgs& args, int64_t begin, int64_t end) {
  with_op(args, [&]<ScanOp op, class T>() { rows_typed<op, T>(args, begin, end); });
}

void scan_totals(const ScanArgs& args, int64_t begin, int64_t end, ScanCarry* totals) {
  with_op(args, [&]<ScanOp op, class T>() { totals_typed<op, T>(args, begin, end, totals); });
}

void scan_carries(const ScanArgs& args, ScanCarry* totals, int64_t count) {
  with_op(args, [&]<ScanOp op, class T>() { carries_typed<op, T>(totals, count); });
}

void scan_segments(const ScanSegmentsArgs& segments, int64_t begin, int64_t end) {
  with_op(segments.args, [&]<ScanOp op, class T>() { segments_typed<op, T>(segments, begin, end); });
}

}  // namespace needlecpp::NDL_ISA
