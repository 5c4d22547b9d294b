// The hash grid with its network as one op, against the two ops and against the composed twin.
#include "needlecpp/render/hashgrid_mlp.h"

#include <algorithm>
#include <cmath>

#include "needlecpp/autograd/autograd.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/random.h"
#include "needlecpp/ops/shape.h"
#include "support.h"

using namespace needlecpp;

namespace {

struct Field {
  HashGridConfig grid;
  Box box = {{-1, 0, -2}, {1, 3, 2}};
  Tensor positions, table;
  Tensors weights;
  Activation output = Activation::None;
  Precision precision = Precision::Float32;

  Field(int levels, int features, int64_t n, const std::vector<int64_t>& widths, int log2_table_size = 9) {
    grid.levels = levels;
    grid.features = features;
    grid.log2_table_size = log2_table_size;
    grid.base_resolution = 4;
    grid.growth = 1.6;
    const Tensor unit = uniform({n, 3}, 1, 0, 1);
    positions = (unit * Tensor::from_vector<float>({2, 3, 4}, {3}) + Tensor::from_vector<float>({-1, 0, -2}, {3}))
                    .detach()
                    .set_requires_grad(true);
    table = uniform({hashgrid_entries(grid), features}, 2).set_requires_grad(true);
    int64_t in = int64_t{levels} * features;
    for (size_t i = 0; i < widths.size(); in = widths[i++])
      weights.push_back(uniform({in, widths[i]}, 10 + i, -0.5, 0.5).set_requires_grad(true));
  }
  Tensors inputs() const {
    Tensors all = {positions, table};
    all.insert(all.end(), weights.begin(), weights.end());
    return all;
  }
  Tensor fused() const {
    return hashgrid_mlp(positions, table, weights, grid, box, Activation::ReLU, output, precision);
  }
  Tensor composed() const {
    return hashgrid_mlp_composed(positions, table, weights, grid, box, Activation::ReLU, output, precision);
  }
};

void compare(const Field& field, double tolerance) {
  const Tensor fused = field.fused(), twin = field.composed();
  REQUIRE(relative_error(fused, twin) < tolerance);
  const Tensor dy = uniform(fused.shape(), 5);
  const Tensors a = grad({fused}, field.inputs(), {dy}), b = grad({twin}, field.inputs(), {dy});
  for (size_t i = 0; i < a.size(); ++i) {
    CAPTURE(i);
    REQUIRE(relative_error(a[i], b[i]) < tolerance);
  }
  NoGrad no_grad;  // the same numbers without the tape
  REQUIRE(field.fused().to_vector<float>() == fused.detach().to_vector<float>());
}

}  // namespace

TEST_CASE("hashgrid_mlp: fused equals composed, forward and backward") {
  for (int features : {1, 2, 4, 8})
    for (int64_t n : {0, 1, 15, 17, 300}) {
      CAPTURE(features, n);
      compare(Field(5, features, n, {20, 3}), 2e-5);
    }
  compare(Field(1, 2, 100, {16}), 2e-5);
  compare(Field(16, 2, 3000, {64, 64, 16}), 2e-5);
  Field sigmoid(8, 2, 500, {32, 4});
  sigmoid.output = Activation::Sigmoid;
  compare(sigmoid, 2e-5);
  compare(Field(3, 2, 200, {16, 4}, 16), 2e-5);  // every level dense
}

TEST_CASE("hashgrid_mlp: more points than are encoded at once") {
  const Field field(2, 1, (1 << 16) + 17, {5});
  compare(field, 2e-5);
}

TEST_CASE("hashgrid_mlp: products of bfloat16 numbers") {
  Field field(8, 2, 700, {32, 4});
  field.precision = Precision::BFloat16;
  const Tensor exact = Field(8, 2, 700, {32, 4}).fused();
  REQUIRE(relative_error(field.fused(), field.composed()) < 1e-2);
  REQUIRE(relative_error(field.fused(), exact) < 2e-2);
}

TEST_CASE("hashgrid_mlp: a bfloat16 table is read as it is, by every number of features") {
  for (int features : {1, 2, 4, 8}) {
    CAPTURE(features);
    Field field(6, features, 333, {12, 3});
    field.table = cast(field.table.detach(), DType::BFloat16).set_requires_grad(true);
    const Tensor widened = cast(field.table.detach(), DType::Float32);
    const Tensor same = hashgrid_mlp(field.positions, widened, field.weights, field.grid, field.box);
    REQUIRE(field.fused().detach().to_vector<float>() == same.detach().to_vector<float>());
    const Tensor dy = uniform(same.shape(), 5);
    const Tensors by_fused = grad({field.fused()}, field.inputs(), {dy});
    const Tensors by_twin = grad({field.composed()}, field.inputs(), {dy});
    REQUIRE(by_fused[1].dtype() == DType::BFloat16);
    REQUIRE(relative_error(by_fused[1], by_twin[1]) < 1e-2);
    REQUIRE(relative_error(by_fused[0], by_twin[0]) < 2e-5);
  }
}

TEST_CASE("hashgrid_mlp: gradients add into a table that has one, and only what is asked for is differentiated") {
  Field field(5, 2, 200, {16, 3});
  const Tensor dy = uniform({200, 3}, 5);
  field.fused().backward(dy);
  const std::vector<float> once = field.table.grad().to_vector<float>();
  field.fused().backward(dy);
  const std::vector<float> twice = field.table.grad().to_vector<float>();
  for (size_t i = 0; i < once.size(); ++i) REQUIRE(twice[i] == Approx(2 * once[i]).epsilon(1e-5).margin(1e-6));

  Field frozen(5, 2, 200, {16, 3});
  frozen.positions = frozen.positions.detach();
  frozen.table = frozen.table.detach();
  frozen.fused().backward(dy);
  REQUIRE(frozen.weights[0].grad().defined());
  REQUIRE(relative_error(frozen.weights[0].grad(), field.weights[0].grad() * 0.5) < 1e-5);
}

TEST_CASE("hashgrid_mlp: the result does not depend on the number of threads") {
  const Threads restored;
  const auto run = [](int threads) {
    set_num_threads(threads);
    const Field field(6, 2, 5000, {32, 4});
    const Tensor y = field.fused();
    std::vector<float> all = y.detach().to_vector<float>();
    for (const Tensor& g : grad({y}, field.inputs(), {uniform(y.shape(), 5)})) {
      const std::vector<float> more = g.to_vector<float>();
      all.insert(all.end(), more.begin(), more.end());
    }
    return all;
  };
  const std::vector<float> one = run(1), three = run(3);
  REQUIRE(one == three);
}

TEST_CASE("hashgrid_mlp: second derivatives go through the twin, float64 does altogether") {
  Field field(3, 2, 20, {8, 2});
  const auto second = [&](const Tensor& y) {
    const Tensor dx = grad({y}, {field.positions}, {uniform(y.shape(), 5)}, true, true)[0];
    return grad({dx}, {field.weights[0]}, {uniform(dx.shape(), 6)})[0];
  };
  REQUIRE(relative_error(second(field.fused()), second(field.composed())) < 1e-4);
  const Tensor x = cast(field.positions.detach(), DType::Float64), t = cast(field.table.detach(), DType::Float64);
  const Tensors w = {cast(field.weights[0].detach(), DType::Float64), cast(field.weights[1].detach(), DType::Float64)};
  const Tensor wide = hashgrid_mlp(x, t, w, field.grid, field.box);
  REQUIRE(wide.dtype() == DType::Float64);
  REQUIRE(relative_error(wide, field.fused()) < 1e-4);
}

TEST_CASE("hashgrid_mlp: mistakes are told") {
  Field field(5, 2, 20, {8, 2});
  Field flat = field;
  flat.box.high[1] = flat.box.low[1];
  REQUIRE_THROWS_AS(flat.fused(), ValueError);
  Field narrow = field;
  narrow.weights[0] = Tensor::zeros({9, 8});
  REQUIRE_THROWS_AS(narrow.fused(), ValueError);
  Field short_table = field;
  short_table.table = Tensor::zeros({8, 2});
  REQUIRE_THROWS_AS(short_table.fused(), ValueError);
}
