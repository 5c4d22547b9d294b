// Encodings without parameters: checks, forward with its backward below it, and the composed twins.
#include "needlecpp/render/encoding.h"

#include <cmath>

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/shape.h"
#include "render/ops/encoding_kernels.h"
#include "render/ops/encoding_run.h"

namespace needlecpp {
namespace {

void check_rows(const char* op, const char* what, const Tensor& x, int64_t columns) {
  NDL_CHECK(x.defined() && x.rank() == 2 && (columns < 0 || x.size(1) == columns), ValueError, op, "bad shape of ",
            what, ": got ", x.defined() ? to_string(x.shape()) : "nothing", ", expected (n, ",
            columns < 0 ? "d" : std::to_string(columns), ").");
  NDL_CHECK(is_floating(x.dtype()), TypeError, op, "bad dtype of ", what, ": got ", name(x.dtype()),
            ", expected float32. Cast first.");
}

void check_degree(const char* op, int degree) {
  NDL_CHECK(degree >= 1 && degree <= 4, ValueError, op, "bad degree: got ", degree, ", expected 1..4.");
}

void check_frequencies(const char* op, int frequencies) {
  NDL_CHECK(frequencies >= 1 && frequencies <= 32, ValueError, op, "bad number of frequencies: got ", frequencies,
            ", expected 1..32.");
}

}  // namespace

Tensor spherical_harmonics(const Tensor& directions, int degree) {
  Op op("spherical_harmonics", directions);
  check_rows(op, "directions", directions, 3);
  check_degree(op, degree);
  if (directions.dtype() != DType::Float32) return spherical_harmonics_composed(directions, degree);
  const Tensor y = op.empty({directions.size(0), degree * degree});
  NDL_ON(op.device(), run_spherical_harmonics)(degree, directions, y);
  return op.record(y, {directions}, {directions}, [degree](Backward& b) {
    const Tensor directions = b.saved(0);
    if (Backward::recording()) {
      b.through_twin([degree](const Tensors& in) { return Tensors{spherical_harmonics_composed(in[0], degree)}; },
                     {directions});
      return;
    }
    const Tensor gradient = Tensor::empty(directions.shape(), DType::Float32, directions.device());
    NDL_ON(directions.device(), run_spherical_harmonics_backward)(degree, directions, contiguous(b.dy()), gradient);
    b.give(0, gradient);
  });
}

Tensor spherical_harmonics_composed(const Tensor& directions, int degree) {
  Op op("spherical_harmonics_composed", directions);
  check_rows(op, "directions", directions, 3);
  check_degree(op, degree);
  const Tensor x = select(directions, 1, 0), y = select(directions, 1, 1), z = select(directions, 1, 2);
  Tensors columns = {add(mul(x, 0.0), 0.28209479177387814)};
  if (degree > 1) {
    const double c = 0.48860251190291987;
    columns.insert(columns.end(), {mul(y, -c), mul(z, c), mul(x, -c)});
  }
  const Tensor xx = square(x), yy = square(y), zz = square(z);
  if (degree > 2) {
    const double c = 1.0925484305920792;
    columns.insert(columns.end(),
                   {mul(mul(x, y), c), mul(mul(y, z), -c), sub(mul(zz, 0.94617469575755997), 0.31539156525251999),
                    mul(mul(x, z), -c), mul(sub(xx, yy), 0.54627421529603959)});
  }
  if (degree > 3) {
    const Tensor ring = mul(sub(1.0, mul(zz, 5.0)), 0.45704579946446572);
    const double c = 0.59004358992664352;
    columns.insert(columns.end(),
                   {mul(mul(y, sub(yy, mul(xx, 3.0))), c), mul(mul(mul(x, y), z), 2.8906114426405538), mul(y, ring),
                    mul(mul(z, sub(mul(zz, 5.0), 3.0)), 0.3731763325901154), mul(x, ring),
                    mul(mul(z, sub(xx, yy)), 1.4453057213202769), mul(mul(x, sub(mul(yy, 3.0), xx)), c)});
  }
  return stack(columns, 1);
}

Tensor frequency_encoding(const Tensor& x, int frequencies) {
  Op op("frequency_encoding", x);
  check_rows(op, "x", x, -1);
  check_frequencies(op, frequencies);
  if (x.dtype() != DType::Float32) return frequency_encoding_composed(x, frequencies);
  const Tensor y = op.empty({x.size(0), x.size(1) * 2 * int64_t{frequencies}});
  NDL_ON(op.device(), run_frequency_encoding)(frequencies, contiguous(x.detach()), y);
  return op.record(
      y, {x}, {x},
      [frequencies](Backward& b) {
        if (Backward::recording()) {
          b.through_twin(
              [frequencies](const Tensors& in) { return Tensors{frequency_encoding_composed(in[0], frequencies)}; },
              {b.saved(0)});
          return;
        }
        const Tensor y = b.output();
        const Tensor gradient = Tensor::empty(b.input_shape(0), DType::Float32, y.device());
        NDL_ON(y.device(), run_frequency_encoding_backward)(frequencies, y, contiguous(b.dy()), gradient);
        b.give(0, gradient);
      },
      SaveOutputs::Yes);
}

// In float64, because 2^k pi x in float32 loses a bit with every k.
Tensor frequency_encoding_composed(const Tensor& x, int frequencies) {
  Op op("frequency_encoding_composed", x);
  check_rows(op, "x", x, -1);
  check_frequencies(op, frequencies);
  const Tensor wide = cast(x, DType::Float64);
  Tensors waves;
  for (int k = 0; k < frequencies; ++k) {
    const Tensor angle = mul(wide, std::ldexp(portable::kPi, k));
    waves.push_back(stack({sin(angle), cos(angle)}, 2));
  }
  const Tensor y = stack(waves, 2);  // [n, d, frequencies, 2]
  return cast(reshape(y, {x.size(0), x.size(1) * frequencies * 2}), x.dtype());
}

}  // namespace needlecpp
