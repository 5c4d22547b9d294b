// Prefix sums: one row at a time, or up to kBlock neighbouring rows at once where the scanned axis is not the
// innermost. Floats are summed in double, so a long scan ends where the sum ends.
#include <stdint.h>

#include "ops/scan_kernels.h"
#include "simd/hd.h"

namespace needlecpp::NDL_ISA {
namespace {

constexpr int64_t kBlock = 256;

template <class T>
struct Sums {
  using Result = int64_t;
  using Total = uint64_t;  // wraps around
};
template <>
struct Sums<float> {
  using Result = float;
  using Total = double;
};
template <>
struct Sums<double> {
  using Result = double;
  using Total = double;
};

template <class T>
NDL_HD typename Sums<T>::Total scan(const T* x, int64_t x_step, typename Sums<T>::Result* y, int64_t y_step,
                                    int64_t count, bool exclusive, typename Sums<T>::Total total) {
  using Total = typename Sums<T>::Total;
  using Result = typename Sums<T>::Result;
  for (int64_t i = 0; i < count; ++i) {
    const Total next = total + static_cast<Total>(x[i * x_step]);
    y[i * y_step] = static_cast<Result>(exclusive ? total : next);
    total = next;
  }
  return total;
}

template <class T>
void rows_typed(const ScanArgs& args, int64_t begin, int64_t end) {
  using Total = typename Sums<T>::Total;
  using Result = typename Sums<T>::Result;
  const int last = args.kept_rank - 1;
  while (begin < end) {
    const T* x = static_cast<const T*>(args.x);
    Result* y = static_cast<Result*>(args.y);
    int64_t rest = begin, start = 0;
    for (int axis = last; axis >= 0; --axis) {
      const int64_t i = rest % args.kept_shape[axis];
      rest /= args.kept_shape[axis];
      x += i * args.x_kept[axis];
      y += i * args.y_kept[axis];
      if (axis == last) start = i;
    }
    int64_t rows = args.kept_shape[last] - start;
    if (rows > end - begin) rows = end - begin;
    const int64_t x_next = args.x_kept[last], y_next = args.y_kept[last];
    if (y_next == 1 && rows > 1) {
      if (rows > kBlock) rows = kBlock;
      Total totals[kBlock];
      for (int64_t j = 0; j < rows; ++j) totals[j] = 0;
      for (int64_t i = 0; i < args.length; ++i) {
        const T* from = x + i * args.x_step;
        Result* to = y + i * args.y_step;
        if (args.exclusive)
          for (int64_t j = 0; j < rows; ++j) to[j] = static_cast<Result>(totals[j]);
        for (int64_t j = 0; j < rows; ++j) totals[j] += static_cast<Total>(from[j * x_next]);
        if (!args.exclusive)
          for (int64_t j = 0; j < rows; ++j) to[j] = static_cast<Result>(totals[j]);
      }
    } else {
      for (int64_t j = 0; j < rows; ++j)
        scan(x + j * x_next, args.x_step, y + j * y_next, args.y_step, args.length, args.exclusive, Total{});
    }
    begin += rows;
  }
}

template <class T>
typename Sums<T>::Total total_typed(const ScanArgs& args, int64_t begin, int64_t end) {
  typename Sums<T>::Total total = 0;
  const T* x = static_cast<const T*>(args.x);
  for (int64_t i = begin; i < end; ++i) total += static_cast<typename Sums<T>::Total>(x[i * args.x_step]);
  return total;
}

template <class T>
void piece_typed(const ScanArgs& args, int64_t begin, int64_t end, typename Sums<T>::Total carry) {
  scan(static_cast<const T*>(args.x) + begin * args.x_step, args.x_step,
       static_cast<typename Sums<T>::Result*>(args.y) + begin * args.y_step, args.y_step, end - begin, args.exclusive,
       carry);
}

}  // namespace

void scan_rows(const ScanArgs& args, int64_t begin, int64_t end) {
  switch (args.type) {
    case ScanType::F32:
      return rows_typed<float>(args, begin, end);
    case ScanType::F64:
      return rows_typed<double>(args, begin, end);
    case ScanType::I32:
      return rows_typed<int32_t>(args, begin, end);
    case ScanType::I64:
      return rows_typed<int64_t>(args, begin, end);
    case ScanType::U8:
      return rows_typed<uint8_t>(args, begin, end);
  }
}

ScanCarry scan_total(const ScanArgs& args, int64_t begin, int64_t end) {
  switch (args.type) {
    case ScanType::F32:
      return {total_typed<float>(args, begin, end), 0};
    case ScanType::F64:
      return {total_typed<double>(args, begin, end), 0};
    case ScanType::I32:
      return {0, total_typed<int32_t>(args, begin, end)};
    case ScanType::I64:
      return {0, total_typed<int64_t>(args, begin, end)};
    case ScanType::U8:
      return {0, total_typed<uint8_t>(args, begin, end)};
  }
  return {0, 0};
}

void scan_piece(const ScanArgs& args, int64_t begin, int64_t end, ScanCarry carry) {
  switch (args.type) {
    case ScanType::F32:
      return piece_typed<float>(args, begin, end, carry.real);
    case ScanType::F64:
      return piece_typed<double>(args, begin, end, carry.real);
    case ScanType::I32:
      return piece_typed<int32_t>(args, begin, end, carry.whole);
    case ScanType::I64:
      return piece_typed<int64_t>(args, begin, end, carry.whole);
    case ScanType::U8:
      return piece_typed<uint8_t>(args, begin, end, carry.whole);
  }
}

}  // namespace needlecpp::NDL_ISA
