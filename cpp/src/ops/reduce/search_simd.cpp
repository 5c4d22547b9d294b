// Binary search, bins and counting.
#include "ops/reduce/search_kernels.h"

namespace needlecpp::NDL_ISA {
namespace {

template <class T>
void search_typed(const SearchArgs& args, int64_t begin, int64_t end) {
  const T* values = static_cast<const T*>(args.values);
  const T* sorted = static_cast<const T*>(args.sorted);
  for (int64_t i = begin; i < end; ++i)
    args.y[i] = place_of(sorted + i / args.per_row * args.row_step, args.length, values[i], args.right);
}

// Equal bins: the bin is computed, then set right by the edges, which decide.
template <class T>
void bins_typed(const BinArgs& args, int64_t begin, int64_t end) {
  const T* x = static_cast<const T*>(args.x);
  const T* edges = static_cast<const T*>(args.edges);
  const T low = edges[0], high = edges[args.bins];
  for (int64_t i = begin; i < end; ++i) {
    const T v = x[i];
    if (!(v >= low && v <= high)) {
      args.y[i] = args.bins;
      continue;
    }
    int64_t bin;
    if (args.scale > 0) {
      const double at = (static_cast<double>(v) - static_cast<double>(low)) * args.scale;
      bin = at < static_cast<double>(args.bins) ? static_cast<int64_t>(at) : args.bins - 1;
      while (bin > 0 && v < edges[bin]) --bin;
      while (bin < args.bins - 1 && v >= edges[bin + 1]) ++bin;
    } else {
      bin = place_of(edges, args.bins + 1, v, true) - 1;
      if (bin > args.bins - 1) bin = args.bins - 1;  // the last bin has its right edge too
    }
    args.y[i] = bin;
  }
}

}  // namespace

void search_sorted(const SearchArgs& args, int64_t begin, int64_t end) {
  with_number(args.type, [&](auto zero) { search_typed<decltype(zero)>(args, begin, end); });
}

void find_bins(const BinArgs& args, int64_t begin, int64_t end) {
  with_float(args.type, [&](auto zero) { bins_typed<decltype(zero)>(args, begin, end); });
}

void count_bins(const int64_t* x, int64_t begin, int64_t end, int64_t* counts) {
  for (int64_t i = begin; i < end; ++i) ++counts[x[i]];
}

}  // namespace needlecpp::NDL_ISA
