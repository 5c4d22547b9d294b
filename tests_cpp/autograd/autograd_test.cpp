// The tape: accumulation, un-broadcasting, freeing, versions, second derivatives, deep graphs.
#include "needlecpp/autograd/autograd.h"

#include "needlecpp/autograd/function.h"
#include "needlecpp/core/allocator.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/inplace.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "support.h"

using namespace needlecpp;

TEST_CASE("gradients add up over uses and over calls") {
  const Tensor x = leaf({2, 3}, {2});
  sum(x * x + x).backward();
  REQUIRE(x.grad().to_vector<double>() == std::vector<double>{5, 7});
  sum(x).backward();
  REQUIRE(x.grad().to_vector<double>() == std::vector<double>{6, 8});
}

TEST_CASE("a gradient handed to two inputs is not shared between their leaves") {
  const Tensor a = leaf({1}, {1});
  const Tensor b = leaf({1}, {1});
  const Tensor dy = Tensor::ones({1}, DType::Float64);
  (a + b).backward(dy);
  a.grad().data<double>()[0] = 5;
  REQUIRE(b.grad().item() == 1);
  REQUIRE(dy.item() == 1);
}

TEST_CASE("leaves that are given one gradient keep buffers of their own") {
  const Tensor a = leaf({1}, {1});
  const Tensor b = leaf({1}, {1});
  for (int i = 0; i < 2; ++i) sum((a + b) * 2.0).backward();
  REQUIRE(a.grad().item() == 4);
  REQUIRE(b.grad().item() == 4);
  REQUIRE(a.grad().raw() != b.grad().raw());

  const Tensor c = leaf({1}, {1});
  const Tensor d = leaf({1}, {1});
  sum((c + d * 1.0) * 2.0 + c * 3.0).backward();
  REQUIRE(c.grad().item() == 5);
  REQUIRE(d.grad().item() == 2);
}

TEST_CASE("adding to a gradient advances its version, and never happens to one on the tape or to a broadcast one") {
  const Tensor x = leaf({3}, {1});
  sum(x * x).backward();
  const Tensor y = sum(x * x.grad());
  sum(x).backward();
  REQUIRE_THROWS_WITH(y.backward(), ContainsSubstring("[mul]") && ContainsSubstring("backward"));

  const Tensor z = leaf({2}, {1});
  sum(z * z * z).backward(Tensor(), false, true);
  const Tensor first = z.grad();
  const Tensor squared = sum(first * first);  // (3 z^2)^2
  sum(z * 5.0).backward();
  REQUIRE(first.item() == 12);
  REQUIRE(z.grad().item() == 17);
  REQUIRE(grad({squared}, {z})[0].item() == Approx(288));  // 36 z^3
  z.set_grad(Tensor());

  const Tensor v = leaf({1, 2, 3}, {3});
  v.set_grad(broadcast_to(Tensor::zeros({1}, DType::Float64), {3}));
  sum(v * v).backward();
  REQUIRE(v.grad().to_vector<double>() == std::vector<double>{2, 4, 6});
}

TEST_CASE("broadcast inputs get gradients of their own shape") {
  const Tensor row = leaf({1, 2, 3}, {3});
  const Tensor column = leaf({1, 2}, {2, 1});
  const Tensor number = leaf({4}, {});
  sum(row * column + number).backward();
  REQUIRE(row.grad().to_vector<double>() == std::vector<double>{3, 3, 3});
  REQUIRE(column.grad().shape() == Shape{2, 1});
  REQUIRE(column.grad().to_vector<double>() == std::vector<double>{6, 6});
  REQUIRE(number.grad().item() == 6);
}

TEST_CASE("gradients come back in the dtype of the input") {
  const Tensor x = Tensor::ones({2}).set_requires_grad(true);
  sum(cast(x, DType::Float64) * leaf({1, 2}, {2})).backward();
  REQUIRE(x.grad().dtype() == DType::Float32);
}

TEST_CASE("nothing is recorded under NoGrad or after detach") {
  const Tensor x = leaf({1}, {1});
  {
    NoGrad no_grad;
    REQUIRE_FALSE((x * 2.0).requires_grad());
  }
  REQUIRE((x * 2.0).requires_grad());
  REQUIRE_FALSE((x.detach() * 2.0).requires_grad());
}

TEST_CASE("a graph is freed by its sweep unless retained") {
  const Tensor x = leaf({3}, {1});
  const Tensor y = sum(x * x);
  y.backward(Tensor(), true);
  y.backward();
  REQUIRE(x.grad().item() == 12);
  REQUIRE_THROWS_WITH(y.backward(), ContainsSubstring("freed") && ContainsSubstring("retain_graph"));
}

TEST_CASE("saved tensors are freed as the sweep passes") {
  release_cached_memory();
  const Tensor x = Tensor::ones({1 << 18}).set_requires_grad(true);
  const size_t before = memory_stats().current;
  Tensor y = x;
  for (int i = 0; i < 16; ++i) y = exp(y * 0.0);
  const Tensor loss = sum(y);
  y = Tensor();
  const size_t forward = memory_stats().current - before;
  reset_peak_memory();
  loss.backward();
  REQUIRE(memory_stats().peak - before < forward + (size_t{6} << 20));
  REQUIRE(memory_stats().current - before < size_t{2} << 20);
}

TEST_CASE("an edit after saving is an error that names both ops") {
  const Tensor x = leaf({1, 2}, {2});
  const Tensor factor = Tensor::ones({2}, DType::Float64);
  const Tensor y = sum(x * factor);
  fill_(factor, 3);
  REQUIRE_THROWS_WITH(y.backward(), ContainsSubstring("[mul]") && ContainsSubstring("fill_"));

  const Tensor z = exp(x);
  {
    NoGrad no_grad;
    mul_(z, 2);
  }
  REQUIRE_THROWS_WITH(sum(z).backward(), ContainsSubstring("[exp]") && ContainsSubstring("mul_"));
}

TEST_CASE("in-place edits of leaves are refused on the tape") {
  const Tensor x = leaf({1, 2}, {2});
  REQUIRE_THROWS_AS(fill_(x, 0), Error);
  REQUIRE_THROWS_AS(add_(x, x), Error);
  NoGrad no_grad;
  fill_(x, 0);
  REQUIRE(x.to_vector<double>() == std::vector<double>{0, 0});
}

TEST_CASE("an edit on the tape is seen by every view, with its gradient") {
  const Tensor w = leaf({3, 4}, {2});
  const Tensor x = Tensor::from_vector<double>({1, 2, 3, 4}, {4});
  const Tensor left = slice(x, 0, 0, 2);
  const Tensor right = slice(x, 0, 2);
  const Tensor turned = flip(x, {0});
  mul_(right, w);
  add_(left, w);
  REQUIRE(x.to_vector<double>() == std::vector<double>{4, 6, 9, 16});
  REQUIRE(turned.to_vector<double>() == std::vector<double>{16, 9, 6, 4});
  sum(x * turned).backward();  // 2 (x0 x3 + x1 x2) = 2 ((1 + w0) 4 w1 + (2 + w1) 3 w0)
  REQUIRE(w.grad().to_vector<double>() == std::vector<double>{2 * (4 * 4 + 3 * 6), 2 * (4 * 4 + 3 * 3)});
}

TEST_CASE("an edit on the tape leaves memory that is saved as it was, and that of others alone") {
  const Tensor w = leaf({3, 4}, {2});
  const Tensor y = w * 2.0;
  const Tensor part = slice(y, 0, 1);
  const Tensor product = y * y;  // saves y
  add_(part, Tensor::scalar(10, DType::Float64));
  REQUIRE(y.to_vector<double>() == std::vector<double>{6, 18});
  sum(product).backward();
  REQUIRE(w.grad().to_vector<double>() == std::vector<double>{24, 32});
  const Tensor detached = y.detach();
  REQUIRE_THROWS_WITH(mul_(part, 2.0), ContainsSubstring("memory that is shared"));
  REQUIRE_THROWS_WITH(mul_(slice(w, 0, 1), 2.0), ContainsSubstring("in-place edit of a leaf's memory"));
  REQUIRE(detached.to_vector<double>() == std::vector<double>{6, 18});
}

TEST_CASE("backward needs something to differentiate and a fitting gradient") {
  const Tensor x = leaf({1, 2}, {2});
  REQUIRE_THROWS_AS((x * 2.0).backward(), ValueError);
  REQUIRE_THROWS_AS((x * 2.0).backward(Tensor::ones({3}, DType::Float64)), ValueError);
  REQUIRE_THROWS_AS(x.detach().backward(), Error);
  REQUIRE_THROWS_AS(Tensor::zeros({2}, DType::Int64).set_requires_grad(true), TypeError);
  REQUIRE_THROWS_AS((x * 2.0).set_requires_grad(false), ValueError);
}

TEST_CASE("grad() reaches inner tensors and leaves .grad alone") {
  const Tensor x = leaf({2}, {1});
  const Tensor unused = leaf({2}, {1});
  const Tensor inner = x * 3.0;
  const Tensor y = sum(inner * inner);
  const Tensors gradients = grad({y}, {inner, x, unused}, {}, true);
  REQUIRE(gradients[0].item() == 12);
  REQUIRE(gradients[1].item() == 36);
  REQUIRE(gradients[2].item() == 0);
  REQUIRE_FALSE(x.grad().defined());
}

TEST_CASE("second and third derivatives") {
  const Tensor x = leaf({2}, {1});
  const Tensor y = sum(x * x * x * x);
  const Tensor first = grad({y}, {x}, {}, false, true)[0];
  const Tensor second = grad({first}, {x}, {}, false, true)[0];
  const Tensor third = grad({second}, {x})[0];
  REQUIRE(first.item() == Approx(32));
  REQUIRE(second.item() == Approx(48));
  REQUIRE(third.item() == Approx(48));
}

TEST_CASE("a chain of half a million ops is swept and freed without recursion") {
  const Tensor x = leaf({1}, {1});
  Tensor y = x;
  for (int i = 0; i < 500000; ++i) y = y + 1.0;
  const Tensor loss = sum(y);
  y = Tensor();
  loss.backward(Tensor(), true);
  REQUIRE(x.grad().item() == 1);
}

TEST_CASE("gradcheck finds a wrong derivative") {
  const auto wrong = [](const Tensors& in) {
    Tensor y = square(in[0].detach());
    return Tensors{record("wrong", y, {in[0]}, {in[0]}, [](Backward& b) { b.give(0, b.dy() * b.saved(0)); })};
  };
  const auto right = [](const Tensors& in) { return Tensors{square(in[0])}; };
  REQUIRE_THROWS_WITH(gradcheck(wrong, {leaf({1, 2}, {2})}), ContainsSubstring("element 0"));
  REQUIRE(gradcheck(right, {leaf({1, 2}, {2})}));
  REQUIRE(gradgradcheck(right, {leaf({1, 2}, {2})}));
}

TEST_CASE("a fused op differentiates twice through its composed twin, the same tensor passed twice included") {
  const auto twin = [](const Tensors& in) { return Tensors{in[0] * exp(in[1])}; };
  const auto fused = [twin](const Tensors& in) {
    Tensor y;
    {
      NoGrad no_grad;
      y = twin(in)[0];
    }
    return record("fused", Tensors{y}, in, in, [twin](Backward& b) {
      const Tensors inputs{b.saved(0), b.saved(1)};
      if (Backward::recording()) return b.through_twin(twin, inputs);
      b.give(0, b.dy() * exp(inputs[1]));
      b.give(1, b.dy() * inputs[0] * exp(inputs[1]));
    });
  };
  REQUIRE(gradcheck(fused, {leaf({1, 2}, {2}), leaf({0.3, 0.4}, {2})}));
  REQUIRE(gradgradcheck(fused, {leaf({1, 2}, {2}), leaf({0.3, 0.4}, {2})}));
  const auto same = [fused](const Tensors& in) { return fused({in[0], in[0]}); };
  REQUIRE(gradgradcheck(same, {leaf({0.5, 0.7}, {2})}));
}

TEST_CASE("a kernel may add straight into a leaf's gradient, but only in a plain backward") {
  int direct = 0;
  const auto op = [&direct](const Tensor& x) {
    return record("op", x.detach(), {x}, {}, [&direct](Backward& b) {
      const Tensor into = b.accumulator(0);
      if (!into.defined()) return b.give(0, b.dy());
      ++direct;
      NoGrad no_grad;
      add_(into, b.dy());
    });
  };
  const Tensor x = leaf({1, 2}, {2});
  sum(op(x)).backward();
  REQUIRE(direct == 0);
  sum(op(x)).backward();
  REQUIRE(direct == 1);
  REQUIRE(x.grad().to_vector<double>() == std::vector<double>{2, 2});
  REQUIRE(grad({sum(op(x))}, {x})[0].to_vector<double>() == std::vector<double>{1, 1});
  sum(op(x * 2.0)).backward();
  REQUIRE(direct == 1);
  REQUIRE(x.grad().to_vector<double>() == std::vector<double>{4, 4});
}
