// Normalization on the CPU: rows are shared among the threads; what is summed over them, in slices whose number the
// caller chose, so that it does not depend on the threads'.
#include <algorithm>

#include "needlecpp/core/parallel.h"
#include "ops/layers/norm_run.h"

namespace needlecpp::cpu {
namespace {

constexpr int64_t kGrain = 1 << 14;  // elements that a thread must have to read

void* row_at(const View& x, int64_t i) { return x.as<char>() + i * x.stride[0] * element_bytes(x.element); }

NormArgs arguments(const NormRows& rows, const View& x, const View& weight, const View& bias, const View& stats) {
  NormArgs args = {};
  args.element = x.element;
  args.rows = rows;
  args.x = x.data;
  args.weight = weight.data;
  args.bias = bias.data;
  args.mean = stats.data;
  args.variance = row_at(stats, 1);
  args.rstd = row_at(stats, 2);
  return args;
}

NormColumns column_arguments(const View& x, const View& weight, const View& bias, const View& stats) {
  NormColumns args = {};
  args.element = x.element;
  args.x = x.data;
  args.mean = stats.data;
  args.rstd = row_at(stats, 2);
  args.weight = weight.data;
  args.bias = bias.data;
  args.columns = x.size[1];
  return args;
}

void pass_columns(ColumnsOp op, const NormColumns& args, int64_t rows) {
  parallel_for(rows, std::max<int64_t>(1, kGrain / args.columns), [&](int64_t begin, int64_t end) {
    NDL_KERNEL(norm_columns)(op, args, begin, end);
  });
}

}  // namespace

void run_norm(const NormRows& rows, View x, View weight, View bias, View y, View stats) {
  NormArgs args = arguments(rows, x, weight, bias, stats);
  args.y = y.data;
  parallel_for(rows.count, std::max<int64_t>(1, kGrain / (rows.chunk * rows.chunks)), [&](int64_t begin, int64_t end) {
    NDL_KERNEL(norm)(args, begin, end);
  });
}

void run_norm_backward(const NormRows& rows, View x, View dy, View weight, View stats, View dx, View dweight,
                       View dbias) {
  NormArgs args = arguments(rows, x, weight, View(), stats);
  args.dy = dy.data;
  args.dx = dx.data;
  args.dweight = dweight.data;
  args.dbias = dbias.data;
  if (!rows.along || !(dweight.given() || dbias.given())) {
    parallel_for(rows.count, std::max<int64_t>(1, kGrain / (rows.chunk * rows.chunks)),
                 [&](int64_t begin, int64_t end) {
                   NDL_KERNEL(norm_backward)
                   (args, begin, end);
                 });
  } else if (x.count > 2 * kGrain) {
    const int64_t slices = dweight.given() ? dweight.size[0] : dbias.size[0];
    parallel_tasks(slices, [&](int64_t s) {
      NormArgs mine = args;
      if (dweight.given()) mine.dweight = row_at(dweight, s);
      if (dbias.given()) mine.dbias = row_at(dbias, s);
      NDL_KERNEL(norm_backward)(mine, rows.count * s / slices, rows.count * (s + 1) / slices);
    });
  } else {
    NDL_KERNEL(norm_backward)(args, 0, rows.count);
  }
}

void run_norm_column_sums(ColumnsOp op, View x, View dy, View stats, View parts) {
  NormColumns args = column_arguments(x, View(), View(), stats);
  args.dy = dy.data;
  const int64_t rows = x.size[0], slices = parts.size[0];
  parallel_tasks(slices, [&](int64_t s) {
    NormColumns mine = args;
    mine.sums = data<double>(parts) + s * parts.stride[0];
    NDL_KERNEL(norm_columns)(op, mine, rows * s / slices, rows * (s + 1) / slices);
  });
}

void run_norm_columns(View x, View weight, View bias, View stats, View y) {
  NormColumns args = column_arguments(x, weight, bias, stats);
  args.y = y.data;
  pass_columns(ColumnsOp::Forward, args, x.size[0]);
}

void run_norm_columns_backward(View x, View dy, View weight, View stats, View mean_gn, View mean_g, View dx) {
  NormColumns args = column_arguments(x, weight, View(), stats);
  args.dy = dy.data;
  args.mean_gn = mean_gn.data;
  args.mean_g = mean_g.data;
  args.y = dx.data;
  pass_columns(ColumnsOp::Backward, args, x.size[0]);
}

}  // namespace needlecpp::cpu
