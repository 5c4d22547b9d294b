// Feeds elementwise kernels: one output, K operands of any shape, strides and dtype.
//
// Three routes, fastest first. (1) Everything contiguous, of one shape and of the kernel's dtype: the kernel runs on
// the memory as it is. (2) The innermost merged axis is long and every operand either steps by one or stands still on
// it: the kernel runs on each such row. (3) Otherwise tiles of kTile elements are gathered and converted on the stack
// where they have to be, the kernel runs on them, and the result is converted back.
#include <array>
#include <cstring>

#include "needlecpp/core/parallel.h"
#include "ops/elementwise/elementwise_run.h"
#include "ops/plumbing/copy_cpu.h"
#include "ops/plumbing/strided.h"

namespace needlecpp::cpu {
namespace {

constexpr int64_t kTile = 512;
constexpr int64_t kShortestRow = 16;

// Elements `stride` apart, as they are, to a row. Runs are short here: a call of a kernel for each would cost more.
void gather_run(int64_t size, char* to, const char* from, int64_t stride, int64_t length) {
  const auto gather = [=](auto item) {
    for (int64_t i = 0; i < length; ++i) {
      std::memcpy(&item, from + i * stride * static_cast<int64_t>(sizeof item), sizeof item);
      std::memcpy(to + i * static_cast<int64_t>(sizeof item), &item, sizeof item);
    }
  };
  if (size == 4) return gather(uint32_t{});
  if (size == 8) return gather(uint64_t{});
  if (size == 2) return gather(uint16_t{});
  gather(uint8_t{});
}

// The number as an element that kernels read (F32, F64 or I64), rounded to its own type first.
void put_number(const Operand& operand, Element read, char* to) {
  double x = operand.number;
  if (operand.type == DType::Float32) x = static_cast<double>(static_cast<float>(x));
  if (operand.type == DType::Float16) x = static_cast<double>(to_float(to_float16(static_cast<float>(x))));
  if (operand.type == DType::BFloat16) x = static_cast<double>(to_float(to_bfloat16(static_cast<float>(x))));
  const auto put = [to](auto value) { std::memcpy(to, &value, sizeof value); };
  if (read == Element::F32) return put(static_cast<float>(x));
  if (read == Element::F64) return put(x);
  put(static_cast<int64_t>(x));
}

// Whether the elements lie as those of y, which is contiguous.
bool lies_as(const View& x, const View& y) {
  if (!x.contiguous || x.rank != y.rank) return false;
  for (int i = 0; i < x.rank; ++i)
    if (x.size[i] != y.size[i]) return false;
  return true;
}

// kernel(y, operands, single, count): y is written in the type `write`, the K operands are read in the types `read`;
// single[k] says that operand k is one element for the whole run.
template <int K, class Kernel>
void map(const View& y, Element write, const std::array<const Operand*, K>& inputs, const std::array<Element, K>& read,
         Kernel&& kernel) {
  if (y.count == 0) return;

  alignas(8) char numbers[K][8];
  std::array<int64_t, K + 1> size;  // bytes an element; the output is operand 0
  std::array<Element, K + 1> type;
  std::array<char*, K + 1> base;
  std::array<bool, K> in_place;  // lies as the output
  size[0] = element_bytes(y.element);
  type[0] = y.element;
  base[0] = y.as<char>();
  bool plain = y.element == write;  // no conversion
  bool flat = true;                 // contiguous and of one shape
  for (int k = 0; k < K; ++k) {
    const Operand& x = *inputs[k];
    if (x.is_number()) put_number(x, read[k], numbers[k]);
    type[k + 1] = x.is_number() ? read[k] : x.view.element;
    size[k + 1] = element_bytes(type[k + 1]);
    base[k + 1] = x.is_number() ? numbers[k] : x.view.as<char>();
    in_place[k] = !x.is_number() && lies_as(x.view, y);
    plain = plain && type[k + 1] == read[k];
    flat = flat && (in_place[k] || x.is_single());
  }

  if (plain && flat) {
    std::array<bool, K> single;
    for (int k = 0; k < K; ++k) single[k] = inputs[k]->is_single();
    parallel_for(y.count, kElementwiseGrain, [&](int64_t begin, int64_t end) {
      std::array<const void*, K> operands;
      for (int k = 0; k < K; ++k) operands[k] = base[k + 1] + (single[k] ? 0 : begin * size[k + 1]);
      kernel(base[0] + begin * size[0], operands, single, end - begin);
    });
    return;
  }

  const Shape shape = shape_of(y);
  std::array<Strides, K + 1> strides;
  strides[0] = strides_of(y);
  for (int k = 0; k < K; ++k)
    strides[k + 1] = inputs[k]->is_number() ? Dims::filled(y.rank, 0) : broadcast_strides(inputs[k]->view, shape);
  const StridedLoop<K + 1> loop = make_loop<K + 1>(shape, strides);

  bool rows = plain && loop.inner() >= kShortestRow;
  std::array<bool, K> single;
  for (int k = 0; k < K; ++k) {
    const int64_t stride = loop.strides[k + 1].back();
    single[k] = stride == 0;
    rows = rows && (stride == 1 || (stride == 0 && K > 1));  // loops over one operand know no single element
  }
  if (rows) {
    parallel_for(loop.count, kElementwiseGrain, [&](int64_t begin, int64_t end) {
      for_each_run(loop, begin, end, [&](const std::array<int64_t, K + 1>& offsets, int64_t length) {
        std::array<const void*, K> operands;
        for (int k = 0; k < K; ++k) operands[k] = base[k + 1] + offsets[k + 1] * size[k + 1];
        kernel(base[0] + offsets[0] * size[0], operands, single, length);
      });
    });
    return;
  }

  for (int k = 0; k < K; ++k) in_place[k] = in_place[k] && type[k + 1] == read[k];  // used where it lies
  parallel_for(loop.count, kElementwiseGrain / 4, [&](int64_t begin, int64_t end) {
    alignas(64) char gathered[K][kTile * 8];
    alignas(64) char converted[K + 1][kTile * 8];
    std::array<const void*, K> operands;
    std::array<bool, K> none{};
    for (int64_t at = begin; at < end; at += kTile) {
      const int64_t count = end - at < kTile ? end - at : kTile;
      int64_t filled = 0;
      for_each_run(loop, at, at + count, [&](const std::array<int64_t, K + 1>& offsets, int64_t length) {
        for (int k = 0; k < K; ++k)
          if (!in_place[k])
            gather_run(size[k + 1], gathered[k] + filled * size[k + 1], base[k + 1] + offsets[k + 1] * size[k + 1],
                       loop.strides[k + 1].back(), length);
        filled += length;
      });
      for (int k = 0; k < K; ++k) {
        operands[k] = in_place[k] ? base[k + 1] + at * size[k + 1] : gathered[k];
        if (in_place[k] || type[k + 1] == read[k]) continue;
        convert_run(read[k], converted[k + 1], 1, type[k + 1], gathered[k], 1, count);
        operands[k] = converted[k + 1];
      }
      char* to = base[0] + at * size[0];  // the output is contiguous
      kernel(y.element == write ? to : converted[0], operands, none, count);
      if (y.element != write) convert_run(y.element, to, 1, write, converted[0], 1, count);
    }
  });
}

}  // namespace

void run_unary(UnaryOp op, const Operand& x, const View& y, const Params& params) {
  const Element compute = compute_of(y.element);
  map<1>(y, compute, {&x}, {compute}, [=](void* to, const auto& operands, const auto&, int64_t count) {
    NDL_KERNEL(unary_loop)({op, compute, to, operands[0], count, params});
  });
}

void run_binary(BinaryOp op, const Operand& a, const Operand& b, const View& y) {
  const Element compute = compute_of(y.element);
  map<2>(y, compute, {&a, &b}, {compute, compute},
         [=](void* to, const auto& operands, const auto& single, int64_t count) {
           NDL_KERNEL(binary_loop)({op, compute, to, operands[0], operands[1], count, single[0], single[1]});
         });
}

void run_edit(BinaryOp op, const View& x, const View& target) {
  const int64_t size = element_bytes(target.element);
  const bool single = x.count == 1;
  parallel_for(target.count, kElementwiseGrain, [&](int64_t begin, int64_t end) {
    char* const y = target.as<char>() + begin * size;
    NDL_KERNEL(binary_loop)
    ({op, target.element, y, y, x.as<char>() + (single ? 0 : begin * size), end - begin, false, single});
  });
}

void run_ternary(TernaryOp op, const Operand& a, const Operand& b, const Operand& c, const View& y, double value) {
  const Element compute = compute_of(y.element);
  map<3>(y, compute, {&a, &b, &c}, {compute, compute, compute},
         [=](void* to, const auto& operands, const auto& single, int64_t count) {
           NDL_KERNEL(ternary_loop)
           ({op, compute, to, operands[0], operands[1], operands[2], count, single[0], single[1], single[2], value});
         });
}

void run_compare(CompareOp op, Element compute, const Operand& a, const Operand& b, const View& y) {
  map<2>(y, Element::Bool, {&a, &b}, {compute, compute},
         [=](void* to, const auto& operands, const auto& single, int64_t count) {
           NDL_KERNEL(compare_loop)
           ({op, compute, static_cast<uint8_t*>(to), operands[0], operands[1], count, single[0], single[1]});
         });
}

void run_where(const Operand& condition, const Operand& a, const Operand& b, const View& y) {
  const Element compute = compute_of(y.element);
  map<3>(y, compute, {&condition, &a, &b}, {Element::Bool, compute, compute},
         [=](void* to, const auto& operands, const auto& single, int64_t count) {
           NDL_KERNEL(where_loop)
           ({compute, to, static_cast<const uint8_t*>(operands[0]), operands[1], operands[2], count, single[0],
             single[1], single[2]});
         });
}

void run_nextafter(const Operand& a, const Operand& b, const View& y) {
  map<2>(y, y.element, {&a, &b}, {y.element, y.element},
         [=, type = y.element](void* to, const auto& operands, const auto& single, int64_t count) {
           NDL_KERNEL(nextafter_loop)({type, to, operands[0], operands[1], count, single[0], single[1]});
         });
}

}  // namespace needlecpp::cpu
