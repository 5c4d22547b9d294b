// Scans: y[i] gathers x[0] to x[i] along an axis. Floats are added and multiplied in double; the result is the same for
// any number of threads. All differentiable, any number of times.
#pragma once

#include <optional>
#include <utility>

#include "needlecpp/core/tensor.h"

namespace needlecpp {

enum class FoldOp : uint8_t { Sum, Prod, Max, Min };
FoldOp fold_from_name(const char* op, const char* fold_name);  // "sum", "prod", "max" or "min"; throws ValueError

// y[i] = x[0] o ... o x[i] along `axis`, where o adds, multiplies or chooses. exclusive: without x[i], so that y[0] is
// the op's neutral element (0, 1, -inf or inf; integers' lowest or highest). reverse: from the end. Sums and products
// of bool and integers give int64; a `dtype` is converted to first and is the result's, whose arithmetic wraps around.
// NaN wins a choice, the last of equals has the gradient.
Tensor scan(const Tensor& x, int64_t axis, FoldOp op = FoldOp::Sum, bool exclusive = false, bool reverse = false,
            std::optional<DType> dtype = {});
Tensor cumsum(const Tensor& x, int64_t axis, bool exclusive = false, bool reverse = false,
              std::optional<DType> dtype = {});
Tensor cumprod(const Tensor& x, int64_t axis, bool exclusive = false, bool reverse = false,
               std::optional<DType> dtype = {});
// The largest so far and its index, int64 (the last of equals).
std::pair<Tensor, Tensor> cummax(const Tensor& x, int64_t axis);
std::pair<Tensor, Tensor> cummin(const Tensor& x, int64_t axis);
Tensor logcumsumexp(const Tensor& x, int64_t axis);  // log(exp(x[0]) + ... + exp(x[i])), without overflow

// x[i + 1] - x[i] along an axis, n times over; `prepend` and `append` (if defined) are put around x first. Of bool: !=.
Tensor diff(const Tensor& x, int64_t n = 1, int64_t axis = -1, const Tensor& prepend = Tensor(),
            const Tensor& append = Tensor());
// The integral of y along an axis by the trapezoidal rule, over the places x (if defined) or steps of dx.
Tensor trapezoid(const Tensor& y, const Tensor& x = Tensor(), double dx = 1, int64_t axis = -1);

}  // namespace needlecpp
