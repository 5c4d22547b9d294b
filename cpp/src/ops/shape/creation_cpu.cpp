// Tensors from a rule, on the CPU's threads.
#include <algorithm>
#include <cmath>

#include "needlecpp/core/parallel.h"
#include "ops/shape/creation_run.h"

namespace needlecpp::cpu {
namespace {

constexpr int64_t kGrain = 16 << 10;

// y[i] = rule(i).
template <class T, class Rule>
void generate(const View& y, const Rule& rule) {
  T* const to = data<T>(y);
  parallel_for(y.count, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) to[i] = rule(i);
  });
}

// y[i] = map(the i-th of the numbers at equal distances).
template <class Map>
void generate_spaced(const Spacing& spacing, const View& y, const Map& map) {
  generate<double>(y, [=, s = spacing, count = y.count](int64_t i) {
    return map(i < count / 2 || !s.endpoint || count == 1 ? s.start + s.step * static_cast<double>(i)
                                                          : s.stop - s.step * static_cast<double>(count - 1 - i));
  });
}

}  // namespace

void run_arange(double start, double step, const View& y) {
  generate<double>(y, [=](int64_t i) { return start + static_cast<double>(i) * step; });
}

void run_arange_whole(int64_t start, int64_t step, const View& y) {
  generate<int64_t>(y, [from = static_cast<uint64_t>(start), stride = static_cast<uint64_t>(step)](int64_t i) {
    return static_cast<int64_t>(from + static_cast<uint64_t>(i) * stride);
  });
}

void run_linspace(const Spacing& spacing, const View& y) {
  generate_spaced(spacing, y, [](double x) { return x; });
}

void run_logspace(const Spacing& spacing, double base, const View& y) {
  generate_spaced(spacing, y, [base](double x) { return std::pow(base, x); });
}

void run_triangle_indices(const Triangle& t, const View& places) {
  int64_t* to = data<int64_t>(places);
  const int64_t count = places.count / 2;
  const auto edge = [&](int64_t row) { return std::clamp(row + t.shift + (t.lower ? 1 : 0), int64_t{0}, t.columns); };
  for (int64_t row = t.first_row; row < t.last_row; ++row)
    for (int64_t column = t.lower ? 0 : edge(row); column < (t.lower ? edge(row) : t.columns); ++column, ++to) {
      to[0] = row;
      to[count] = column;
    }
}

}  // namespace needlecpp::cpu
