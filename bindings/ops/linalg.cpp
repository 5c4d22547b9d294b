// Products of vectors, matrices and tensors.
#include "needlecpp/ops/linalg.h"

#include "binder.h"

namespace needlecpp::python {

namespace {

using Sum = Tensor (*)(const Tensor&, const Tensor&, const Tensor&, double, double);

void bind_sum(Binder b, const char* name, Sum fn, const char* doc) {
  b.both(name, fn, "input"_a, "a"_a, "b"_a, nb::kw_only(), "beta"_a = 1.0, "alpha"_a = 1.0, Release(), doc);
}

}  // namespace

void bind_linalg(Binder b) {
  b.binary("mm", &mm, nullptr,
           "Matrix product of [m, k] and [k, n], those shapes alone (``matmul`` takes more). Differentiable.\n\n"
           ">>> ndl.mm(ndl.tensor([[1.0, 2.0]]), ndl.tensor([[3.0], [4.0]]))\n"
           "tensor([[11.]])");
  b.binary("bmm", &bmm, nullptr,
           "Matrix products of a batch: [n, m, k] and [n, k, p] give [n, m, p]. Differentiable.\n\n"
           ">>> ndl.bmm(ndl.ones(5, 2, 3), ndl.ones(5, 3, 4)).shape\n"
           "(5, 2, 4)");
  b.binary("mv", &mv, nullptr,
           "Matrix times vector: [m, k] and [k] give [m]. Differentiable.\n\n"
           ">>> ndl.mv(ndl.tensor([[1.0, 2.0], [3.0, 4.0]]), ndl.tensor([1.0, 1.0]))\n"
           "tensor([3., 7.])");
  b.binary("dot", &dot, nullptr,
           "NumPy's dot: sum over the last axis of a and the last but one of b (the only one of a vector); a number\n"
           "multiplies. Differentiable.\n\n"
           ">>> ndl.dot(ndl.tensor([1.0, 2.0]), ndl.tensor([3.0, 4.0])).item()\n"
           "11.0");
  b.binary("vdot", &vdot, nullptr,
           "Sum of a * b over all elements in C order; both have as many. Differentiable.\n\n"
           ">>> ndl.vdot(ndl.ones(2, 3), ndl.ones(3, 2)).item()\n"
           "6.0");
  b.binary("inner", &inner, nullptr,
           "Sum of products over the last axis of both: [..., k] and [..., k]; a number multiplies. Differentiable.\n\n"
           ">>> ndl.inner(ndl.ones(2, 3), ndl.ones(4, 3)).shape\n"
           "(2, 4)");
  b.binary("outer", &outer, nullptr,
           "a[i] * b[j] of all elements: [a.size, b.size]. Differentiable.\n\n"
           ">>> ndl.outer(ndl.tensor([1.0, 2.0]), ndl.tensor([3.0, 4.0]))\n"
           "tensor([[3., 4.],\n"
           "        [6., 8.]])");
  b.binary(
      "kron", &kron, nullptr,
      "Kronecker product, blocks a[i, j, ...] * b: sizes multiply axis by axis, the shorter shape is led by ones.\n"
      "Differentiable.\n\n"
      ">>> ndl.kron(ndl.tensor([1.0, 10.0]), ndl.tensor([1.0, 2.0]))\n"
      "tensor([ 1.,  2., 10., 20.])");
  b.both("vecdot", &vecdot, "a"_a, "b"_a, "axis"_a = -1, Release(),
         "Sum of a * b over one axis; the other axes broadcast. Differentiable.\n\n"
         ">>> ndl.vecdot(ndl.tensor([[1.0, 2.0], [3.0, 4.0]]), ndl.tensor([1.0, 1.0]))\n"
         "tensor([3., 7.])");
  b.def(
      "tensordot",
      [](const Tensor& x, const Tensor& y, nb::object axes) {
        if (is_integer(axes)) {
          const int64_t count = int64_of(axes);
          return unlocked([&] { return tensordot(x, y, count); });
        }
        NDL_CHECK(nb::isinstance<nb::sequence>(axes) && nb::len(axes) == 2, ValueError, "tensordot", "bad axes: got ",
                  text_of(axes), ", expected a number or a pair of lists.");
        const Dims first = dims_of(axes[0]);
        const Dims second = dims_of(axes[1]);
        return unlocked([&] { return tensordot(x, y, first, second); });
      },
      "a"_a, "b"_a, "axes"_a = 2,
      "Sum of products over the last ``axes`` axes of a and the first of b, or over the axes listed for each: a pair "
      "of\n"
      "lists. The result has a's other axes, then b's. Differentiable.\n\n"
      ">>> ndl.tensordot(ndl.ones(2, 3, 4), ndl.ones(4, 3, 5), axes=([1, 2], [1, 0])).shape\n"
      "(2, 5)");
  b.core.def(
      "einsum",
      [](const std::string& equation, nb::handle operands) {
        const Tensors tensors = tensors_of(operands);
        return unlocked([&] { return einsum(equation, tensors); });
      },
      "equation"_a, "operands"_a, "Einstein's summation over a list of operands.");
  bind_sum(
      b, "addmm", &addmm,
      "beta * input + alpha * (a @ b) for a [m, k] and b [k, n]; input broadcasts. With beta 0, input is not read.\n"
      "Differentiable in the three tensors.\n\n"
      ">>> ndl.addmm(ndl.ones(2), ndl.ones(1, 3), ndl.ones(3, 2), beta=2, alpha=10)\n"
      "tensor([[32., 32.]])");
  bind_sum(b, "addmv", &addmv,
           "beta * input + alpha * (a @ b) for a [m, k] and b [k]; see ``addmm``.\n\n"
           ">>> ndl.addmv(ndl.ones(2), ndl.ones(2, 3), ndl.ones(3))\n"
           "tensor([4., 4.])");
  bind_sum(b, "addr", &addr,
           "beta * input + alpha * outer(a, b) for vectors a and b; see ``addmm``.\n\n"
           ">>> ndl.addr(ndl.zeros(2, 2), ndl.tensor([1.0, 2.0]), ndl.tensor([3.0, 4.0]))\n"
           "tensor([[3., 4.],\n"
           "        [6., 8.]])");
  bind_sum(b, "baddbmm", &baddbmm,
           "beta * input + alpha * bmm(a, b) for a [n, m, k] and b [n, k, p]; see ``addmm``.\n\n"
           ">>> ndl.baddbmm(ndl.ones(1), ndl.ones(2, 1, 3), ndl.ones(2, 3, 1)).tolist()\n"
           "[[[4.0]], [[4.0]]]");
  bind_sum(b, "addbmm", &addbmm,
           "beta * input + alpha * (sum of bmm(a, b) over the batch), [m, p]; see ``addmm``.\n\n"
           ">>> ndl.addbmm(ndl.ones(1), ndl.ones(2, 1, 3), ndl.ones(2, 3, 1))\n"
           "tensor([[7.]])");
  b.both("cross", &cross, "a"_a, "b"_a, "axis"_a = -1, Release(),
         "Cross product of 3-vectors along an axis of the broadcast shape. Differentiable.\n\n"
         ">>> ndl.cross(ndl.tensor([1.0, 0.0, 0.0]), ndl.tensor([0.0, 1.0, 0.0]))\n"
         "tensor([0., 0., 1.])");
  b.both("trace", &trace, "a"_a, "offset"_a = 0, "axis1"_a = 0, "axis2"_a = 1, Release(),
         "Sum of the diagonal a[i, i + offset] of two axes, which are dropped; integers give int64. Differentiable.\n\n"
         ">>> ndl.trace(ndl.tensor([[1.0, 2.0], [3.0, 4.0]])).item()\n"
         "5.0");
}

}  // namespace needlecpp::python
