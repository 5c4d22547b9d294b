// Every fused op against its composed twin. A row of the table says how both are called and on what; the tests below
// then hold for it: forward and backward, of sizes around those of the kernels, in both dtypes, in any layout, on every
// device that there is, and the second derivative. ctest runs them with every instruction set.
//
// What an op promises beyond that (references by loops, special values, threads, refusals) stands in its own test.
#include <array>

#include "devices.h"
#include "needlecpp/ops/attention.h"
#include "needlecpp/ops/grid_sample.h"
#include "needlecpp/ops/loss.h"
#include "needlecpp/ops/norm.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/softmax.h"
#include "needlecpp/ops/transfer.h"
#include "needlecpp/render/encoding.h"
#include "needlecpp/render/fused_mlp.h"
#include "needlecpp/render/hashgrid.h"
#include "needlecpp/render/hashgrid_mlp.h"
#include "needlecpp/render/volume.h"
#include "support.h"

using namespace needlecpp;

namespace {

// What both are called with: leaves want gradients; constants (targets, masks, offsets) do not.
struct Inputs {
  Tensors leaves, constants;
};
using Function = std::function<Tensors(const Inputs&)>;

struct Twin {
  std::string name;
  Function fused, composed;
  std::function<Inputs(int64_t n, DType)> inputs;  // n: points, rows, samples, ... of the dtype where they are numbers
  std::vector<int64_t> sizes = {0, 1, 15, 17, 300};
  double tolerance = 1e-5;         // of values and gradients in float32, relative to the largest
  double second_tolerance = 1e-5;  // of second derivatives
  double floor = 1e-30;            // what is smaller than this altogether is held to absolute errors
  // In float32 and float64: of each single entry, relative to it or to 1.
  std::array<double, 2> entry_tolerance = {1, 1};
};

constexpr double kWideTolerance = 1e-11;  // in float64

// A stream of random numbers of one dtype.
class Draw {
 public:
  explicit Draw(DType dtype) : dtype_(dtype) {}
  Tensor uniform(const Shape& shape, double low = -1, double high = 1) {
    return rand(shape, low, high, dtype_, Device{}, generator_);
  }
  Tensor normal(const Shape& shape, double mean = 0, double deviation = 1) {
    return randn(shape, mean, deviation, dtype_, Device{}, generator_);
  }
  Tensor integers(const Shape& shape, int64_t high) {
    return randint(0, high, shape, DType::Int64, Device{}, generator_);
  }

 private:
  DType dtype_;
  Generator generator_{11};
};

// ---- the table

Twin harmonics(int degree) {
  return {"spherical_harmonics of degree " + std::to_string(degree),
          [=](const Inputs& in) { return Tensors{spherical_harmonics(in.leaves[0], degree)}; },
          [=](const Inputs& in) { return Tensors{spherical_harmonics_composed(in.leaves[0], degree)}; },
          [](int64_t n, DType dtype) {
            return Inputs{{Draw(dtype).uniform({n, 3})}, {}};
          },
          {0, 1, 15, 17, 5000}};
}

Twin sinusoids(int frequencies, int64_t axes) {
  return {"frequency_encoding of " + std::to_string(frequencies) + " frequencies on " + std::to_string(axes) + " axes",
          [=](const Inputs& in) { return Tensors{frequency_encoding(in.leaves[0], frequencies)}; },
          [=](const Inputs& in) { return Tensors{frequency_encoding_composed(in.leaves[0], frequencies)}; },
          [=](int64_t n, DType dtype) {
            return Inputs{{Draw(dtype).uniform({n, axes}, -2, 2)}, {}};
          },
          {0, 1, 15, 17, 1100}};
}

std::string name_of(const HashGridConfig& c) {
  return std::to_string(c.levels) + " levels of " + std::to_string(c.features) + " features, 2^" +
         std::to_string(c.log2_table_size) + " entries";
}

// Positions in [low, high]; the grid covers [0, 1].
Twin grid(const HashGridConfig& config, double low, double high, std::vector<int64_t> sizes) {
  return {
      "hashgrid of " + name_of(config),
      [=](const Inputs& in) { return Tensors{hashgrid(in.leaves[0], in.leaves[1], config)}; },
      [=](const Inputs& in) { return Tensors{hashgrid_composed(in.leaves[0], in.leaves[1], config)}; },
      [=](int64_t n, DType dtype) {
        Draw draw(dtype);
        return Inputs{{draw.uniform({n, 3}, low, high), draw.uniform({hashgrid_entries(config), config.features})}, {}};
      },
      std::move(sizes)};
}

Tensors weights_of(Draw& draw, int64_t in, const std::vector<int64_t>& widths) {
  Tensors weights;
  for (const int64_t width : widths) {
    const double size = std::sqrt(3.0 / static_cast<double>(in));
    weights.push_back(draw.uniform({in, width}, -size, size));
    in = width;
  }
  return weights;
}

std::string name_of(int64_t in, const std::vector<int64_t>& widths, Activation hidden, Activation output) {
  const char* names[] = {"none", "relu", "sigmoid"};
  std::string text = std::to_string(in);
  for (const int64_t width : widths) text.append("-").append(std::to_string(width));
  return text + " " + names[static_cast<int>(hidden)] + " " + names[static_cast<int>(output)];
}

Twin mlp(int64_t in_width, const std::vector<int64_t>& widths, Activation hidden, Activation output,
         std::vector<int64_t> sizes) {
  const auto call = [=](auto op) {
    return [=](const Inputs& in) {
      const Tensors weights(in.leaves.begin() + 1, in.leaves.end());
      return Tensors{op(in.leaves[0], weights, hidden, output, Precision::Float32)};
    };
  };
  return {"fused_mlp " + name_of(in_width, widths, hidden, output), call(fused_mlp), call(fused_mlp_composed),
          [=](int64_t n, DType dtype) {
            Draw draw(dtype);
            Inputs inputs{{draw.uniform({n, in_width})}, {}};
            for (const Tensor& weight : weights_of(draw, in_width, widths)) inputs.leaves.push_back(weight);
            return inputs;
          },
          std::move(sizes)};
}

Twin grid_mlp(const HashGridConfig& config, const std::vector<int64_t>& widths, Activation output,
              std::vector<int64_t> sizes) {
  const Box box = {{-1, 0, -2}, {1, 3, 2}};
  const int64_t in_width = int64_t{config.levels} * config.features;
  const auto call = [=](auto op) {
    return [=](const Inputs& in) {
      const Tensors weights(in.leaves.begin() + 2, in.leaves.end());
      return Tensors{
          op(in.leaves[0], in.leaves[1], weights, config, box, Activation::ReLU, output, Precision::Float32)};
    };
  };
  return {"hashgrid_mlp of " + name_of(config) + " and " + name_of(in_width, widths, Activation::ReLU, output),
          call(hashgrid_mlp),
          call(hashgrid_mlp_composed),
          [=](int64_t n, DType dtype) {
            Draw draw(dtype);
            const Tensor size = cast(Tensor::from_vector<float>({2, 3, 4}, {3}), dtype);
            const Tensor low = cast(Tensor::from_vector<float>({-1, 0, -2}, {3}), dtype);
            Inputs inputs{
                {draw.uniform({n, 3}, 0, 1) * size + low, draw.uniform({hashgrid_entries(config), config.features})},
                {}};
            for (const Tensor& weight : weights_of(draw, in_width, widths)) inputs.leaves.push_back(weight);
            return inputs;
          },
          std::move(sizes),
          2e-5,
          1e-4};
}

// Rays of up to 40 samples, some empty; tau is uniform below `thickness`.
Twin volume(double thickness, double early_stop) {
  const auto call = [=](auto op) {
    return [=](const Inputs& in) {
      const Tensors& c = in.constants;
      const VolumeOutput out = op(in.leaves[0], in.leaves[1], c[0], c[1], c[2], early_stop);
      return Tensors{out.color, out.opacity, out.depth};
    };
  };
  return {"render_volume of thickness " + std::to_string(thickness),
          call(render_volume),
          call(render_volume_composed),
          [=](int64_t n, DType dtype) {
            Draw draw(dtype);
            std::vector<int64_t> offsets = {0};
            for (int64_t ray = 0; ray < n; ++ray) offsets.push_back(offsets.back() + (ray * 7919 + 3) % 40);
            const int64_t samples = offsets.back();
            const Tensor dt = draw.uniform({samples}, 0.001, 0.02);
            return Inputs{{draw.uniform({samples}, 0, thickness) / dt, draw.uniform({samples, 3}, -0.5, 1)},
                          {draw.uniform({samples}, 0, 4), dt, Tensor::from_vector(offsets, {n + 1})}};
          },
          {0, 1, 15, 17, 300},
          1e-5,
          1e-4};
}

enum class Masking { None, Causal, Bool, Numbers };

// Lengths around those of the tiles; a bool mask has rows that see nothing.
Twin attention(Masking masking, int64_t keys, std::vector<int64_t> sizes) {
  const auto call = [=](auto op) {
    return [=](const Inputs& in) {
      AttentionOptions options;
      options.is_causal = masking == Masking::Causal;
      if (!in.constants.empty()) options.mask = in.constants[0];
      return Tensors{op(in.leaves[0], in.leaves[1], in.leaves[2], options)};
    };
  };
  const char* names[] = {"without mask", "causal", "with a bool mask", "with a mask of numbers"};
  return {"scaled_dot_product_attention " + std::string(names[static_cast<int>(masking)]) + " to " +
              std::to_string(keys) + " keys",
          call(scaled_dot_product_attention),
          call(attention_composed),
          [=](int64_t n, DType dtype) {
            Draw draw(dtype);
            Inputs inputs{
                {draw.normal({2, 3, n, 8}, 0, 2), draw.normal({2, 1, keys, 8}, 0, 2), draw.normal({2, 3, keys, 5})},
                {}};
            if (masking == Masking::Bool) inputs.constants = {gt(draw.normal({3, n, 1}), 0.0)};
            if (masking == Masking::Numbers) inputs.constants = {draw.normal({2, 1, 1, keys})};
            return inputs;
          },
          std::move(sizes),
          3e-5,
          1e-4,
          1,
          {1e-4, 1e-11}};
}

// `affine`: the weight's shape, empty for no weight and no bias. The other arguments are norm_composed's.
Twin normalization(NormLayout layout, const Shape& per_sample, int64_t groups, int normalized, const Shape& affine,
                   bool with_affine, std::vector<int64_t> sizes) {
  const auto weight_of = [=](const Inputs& in) { return with_affine ? in.leaves[1] : Tensor(); };
  const auto bias_of = [=](const Inputs& in) {
    return with_affine && layout != NormLayout::Rms ? in.leaves[2] : Tensor();
  };
  const char* names[] = {"layer_norm", "rms_norm", "group_norm", "batch_norm"};
  return {std::string(names[static_cast<int>(layout)]) + " of " + to_string(per_sample) + " each" +
              (with_affine ? "" : " without weights"),
          [=](const Inputs& in) {
            const Tensor &x = in.leaves[0], weight = weight_of(in), bias = bias_of(in);
            switch (layout) {
              case NormLayout::Layer:
                return Tensors{layer_norm(x, affine, weight, bias)};
              case NormLayout::Rms:
                return Tensors{rms_norm(x, affine, weight, 1e-5)};
              case NormLayout::Group:
                return Tensors{group_norm(x, groups, weight, bias)};
              default:
                return Tensors{batch_norm(x, {}, {}, weight, bias, true)};
            }
          },
          [=](const Inputs& in) {
            return Tensors{norm_composed(in.leaves[0], layout, groups, normalized, weight_of(in), bias_of(in), 1e-5)};
          },
          [=](int64_t n, DType dtype) {
            Draw draw(dtype);
            Shape shape = {n};
            for (const int64_t size : per_sample) shape.push_back(size);
            Inputs inputs{{draw.normal(shape, 3, 2)}, {}};
            if (with_affine) inputs.leaves.push_back(draw.normal(affine));
            if (with_affine && layout != NormLayout::Rms) inputs.leaves.push_back(draw.normal(affine));
            return inputs;
          },
          std::move(sizes),
          1e-4,
          1e-3,
          1,
          {3e-4, 1e-10}};
}

// Classes on axis 1; class 2 counts for nothing.
Twin classes(int64_t count, bool weighted) {
  const auto weight_of = [=](const Inputs& in) { return weighted ? in.constants[1] : Tensor(); };
  return {"cross_entropy of " + std::to_string(count) + " classes" + (weighted ? ", weighted" : ""),
          [=](const Inputs& in) { return Tensors{cross_entropy(in.leaves[0], in.constants[0], weight_of(in), 2)}; },
          [=](const Inputs& in) {
            return Tensors{nll_loss(log_softmax(in.leaves[0], 1), in.constants[0], weight_of(in), 2)};
          },
          [=](int64_t n, DType dtype) {
            Draw draw(dtype);
            Inputs inputs{{draw.normal({n, count, 2}, 0, 5)}, {draw.integers({n, 2}, count)}};
            if (weighted) inputs.constants.push_back(draw.uniform({count}, 0.5, 2));
            return inputs;
          },
          {0, 50},
          1e-5,
          1e-5,
          1e-30,
          {1e-6, 1e-14}};
}

Twin sampling(GridMode mode, GridPadding padding, bool corners, bool solid) {
  const char *modes[] = {"bilinear", "nearest", "bicubic"}, *paddings[] = {"zeros", "border", "reflection"};
  return {std::string("grid_sample ") + modes[static_cast<int>(mode)] + " " + paddings[static_cast<int>(padding)] +
              (corners ? " from centres" : " from edges") + (solid ? " of volumes" : " of images"),
          [=](const Inputs& in) { return Tensors{grid_sample(in.leaves[0], in.leaves[1], mode, padding, corners)}; },
          [=](const Inputs& in) {
            return Tensors{grid_sample_composed(in.leaves[0], in.leaves[1], mode, padding, corners)};
          },
          [=](int64_t n, DType dtype) {
            Draw draw(dtype);
            return Inputs{{draw.normal(solid ? Shape{2, 3, 4, 5, 6} : Shape{2, 3, 5, 7}),
                           draw.uniform(solid ? Shape{2, 2, n, 9, 3} : Shape{2, n, 19, 2}, -2.5, 2.5)},
                          {}};
          },
          {0, 1, 7},
          3e-5,
          1e-4,
          1,
          {1e-4, 1e-11}};
}

std::vector<Twin> table() {
  std::vector<Twin> rows;
  for (const int degree : {1, 2, 3, 4}) rows.push_back(harmonics(degree));
  for (const int frequencies : {1, 4, 12})
    for (const int64_t axes : {1, 3}) rows.push_back(sinusoids(frequencies, axes));

  for (const int features : {1, 2, 4, 8}) {
    rows.push_back(grid(HashGridConfig{5, features, 9, 4, 1.7}, 0, 1, {0, 1, 15, 17, 300}));
    rows.push_back(grid(HashGridConfig{3, features, 3, 2, 2}, 0, 1, {65}));  // the smallest table
    rows.push_back(grid(HashGridConfig{1, features, 3, 1, 1}, 0, 1, {33}));  // one level of one cell
    rows.push_back(grid(HashGridConfig{1, features, 3, 2, 1}, -3, 4, {33}));
  }
  rows.push_back(grid(HashGridConfig{4, 2, 10, 3, 1.9}, -2, 3, {500}));
  rows.push_back(grid(HashGridConfig{2, 2, 14, 10, 2}, -1e4, 1e4, {500}));
  rows.push_back(grid(HashGridConfig{}, 0, 1, {257}));  // levels larger than the prefetch threshold
  rows.push_back(grid(HashGridConfig{2, 8, 15, 40, 4}, 0, 1, {100}));

  using A = Activation;
  rows.push_back(mlp(32, {64, 64, 4}, A::ReLU, A::None, {0, 1, 5, 71, 72, 73, 95, 96, 97, 143, 144, 145, 1000, 5000}));
  for (const A hidden : {A::None, A::ReLU, A::Sigmoid})
    for (const A output : {A::None, A::ReLU, A::Sigmoid}) {
      rows.push_back(mlp(16, {16}, hidden, output, {200}));
      rows.push_back(mlp(19, {40, 3}, hidden, output, {200}));
      rows.push_back(mlp(32, {64, 64, 4}, hidden, output, {200}));
      rows.push_back(mlp(8, {48, 33, 24, 16}, hidden, output, {200}));
      rows.push_back(mlp(3, {7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 2}, hidden, output, {200}));
    }

  for (const int features : {1, 2, 4, 8})
    rows.push_back(grid_mlp(HashGridConfig{5, features, 9, 4, 1.6}, {20, 3}, A::None, {0, 1, 15, 17, 300}));
  rows.push_back(grid_mlp(HashGridConfig{1, 2, 9, 4, 1.6}, {16}, A::None, {100}));
  rows.push_back(grid_mlp(HashGridConfig{16, 2, 9, 4, 1.6}, {64, 64, 16}, A::None, {3000}));
  rows.push_back(grid_mlp(HashGridConfig{8, 2, 9, 4, 1.6}, {32, 4}, A::Sigmoid, {500}));
  rows.push_back(grid_mlp(HashGridConfig{3, 2, 16, 4, 1.6}, {16, 4}, A::None, {200}));  // every level dense

  for (const double thickness : {0.02, 0.5, 3.0}) rows.push_back(volume(thickness, 1e-4));
  rows.push_back(volume(0.5, 0.3));
  rows.push_back(volume(0.5, 0));

  for (const Masking masking : {Masking::None, Masking::Causal, Masking::Bool, Masking::Numbers}) {
    rows.push_back(attention(masking, 1, {0, 1}));
    rows.push_back(attention(masking, 300, {17}));
    rows.push_back(attention(masking, 33, {0, 130}));
    rows.push_back(attention(masking, 513, {64}));
  }

  for (const bool affine : {true, false}) {
    rows.push_back(normalization(NormLayout::Layer, {17}, 1, 1, {17}, affine, {0, 1, 3}));
    rows.push_back(normalization(NormLayout::Layer, {2, 50}, 1, 2, {2, 50}, affine, {300}));
    rows.push_back(normalization(NormLayout::Layer, {4099}, 1, 1, {4099}, affine, {5}));
    rows.push_back(normalization(NormLayout::Layer, {1}, 1, 1, {1}, affine, {4}));
    rows.push_back(normalization(NormLayout::Rms, {33}, 1, 1, {33}, affine, {0, 1, 3}));
    rows.push_back(normalization(NormLayout::Group, {6, 5, 7}, 3, 0, {6}, affine, {0, 1, 2}));
    rows.push_back(normalization(NormLayout::Group, {6}, 2, 0, {6}, affine, {2}));
    rows.push_back(normalization(NormLayout::Batch, {3, 9, 5}, 1, 0, {3}, affine, {1, 4}));
    rows.push_back(normalization(NormLayout::Batch, {5}, 1, 0, {5}, affine, {70}));
    rows.push_back(normalization(NormLayout::Batch, {2, 2500}, 1, 0, {2}, affine, {1}));
  }

  for (const int64_t count : {1, 3, 17, 1000})
    for (const bool weighted : {true, false}) rows.push_back(classes(count, weighted));

  for (const GridMode mode : {GridMode::Bilinear, GridMode::Nearest, GridMode::Bicubic})
    for (const GridPadding padding : {GridPadding::Zeros, GridPadding::Border, GridPadding::Reflection})
      for (const bool corners : {true, false}) {
        rows.push_back(sampling(mode, padding, corners, false));
        if (mode != GridMode::Bicubic) rows.push_back(sampling(mode, padding, corners, true));
      }
  return rows;
}

// ---- the checks

using Layout = std::function<Tensor(const Tensor&)>;

// The same numbers with every stride doubled, and behind negative ones.
Tensor apart(const Tensor& x) { return select(stack({x, x}, x.rank()), x.rank(), 0); }
Tensor backwards(const Tensor& x) { return flip(contiguous(flip(x, {})), {}); }

Inputs laid_out(const Inputs& inputs, const Layout& layout) {
  Inputs result;
  for (const Tensor& x : inputs.leaves) result.leaves.push_back(leaf(layout(x)));
  for (const Tensor& x : inputs.constants) result.constants.push_back(layout(x));
  return result;
}

// Outputs, then the gradients of the leaves for the given gradients of the outputs.
Tensors with_gradients(const Function& op, const Inputs& inputs, const Tensors& dys) {
  Tensors results = op(inputs);
  for (const Tensor& gradient : grad(results, inputs.leaves, dys)) results.push_back(gradient);
  return results;
}

Tensors second_derivatives(const Function& op, const Inputs& inputs) {
  Tensor loss, penalty;
  const auto add = [](Tensor& total, const Tensor& x) { total = total.defined() ? total + sum(x) : sum(x); };
  // Cubes, for sin^2 + cos^2 has no derivative.
  for (const Tensor& y : op(inputs)) add(loss, square(y) * y);
  for (const Tensor& gradient : grad({loss}, inputs.leaves, {}, true, true)) add(penalty, square(gradient));
  return grad({penalty}, inputs.leaves);
}

void require_same(const Tensors& got, const Tensors& expected, double tolerance, double floor) {
  REQUIRE(got.size() == expected.size());
  for (size_t i = 0; i < got.size(); ++i) {
    INFO("result " << i);
    REQUIRE(got[i].dtype() == expected[i].dtype());
    REQUIRE(relative_error(got[i], expected[i], floor) <= tolerance);
  }
}

Tensors gradients_like(const Tensors& outputs, DType dtype) {
  Draw draw(dtype);
  Tensors dys;
  for (const Tensor& y : outputs) dys.push_back(draw.uniform(y.shape()));
  return dys;
}

}  // namespace

TEST_CASE("fused equals composed, forward and backward, in both dtypes, on every device, in any layout") {
  for (const Twin& twin : table())
    for (const DType dtype : {DType::Float32, DType::Float64})
      for (const int64_t n : twin.sizes) {
        INFO(twin.name << ", n " << n << ", " << name(dtype));
        const Inputs inputs = laid_out(twin.inputs(n, dtype), [](const Tensor& x) { return x; });
        const Tensors dys = gradients_like(twin.composed(inputs), dtype);
        const Tensors expected = with_gradients(twin.composed, inputs, dys);
        const double tolerance = dtype == DType::Float32 ? twin.tolerance : kWideTolerance;
        for (const Device device : test_devices()) {
          const auto on_device = [&](const Tensor& x) { return to(x.detach(), device); };
          // The layouts are tried on the smaller sizes alone: the kernels' blocks do not meet them.
          const std::vector<Layout> all = {on_device, [&](const Tensor& x) { return apart(on_device(x)); },
                                           [&](const Tensor& x) { return backwards(on_device(x)); }};
          for (size_t i = 0; i < (n <= 300 ? all.size() : 1); ++i) {
            INFO("on " << to_string(device) << ", layout " << i);
            Tensors laid_out_dys;
            for (const Tensor& dy : dys) laid_out_dys.push_back(all[i](dy));
            const Tensors got = with_gradients(twin.fused, laid_out(inputs, all[i]), laid_out_dys);
            require_same(got, expected, tolerance, twin.floor);
            for (size_t k = 0; k < got.size(); ++k)
              require_close(got[k], expected[k], twin.entry_tolerance[dtype == DType::Float64]);
          }
        }
      }
}

TEST_CASE("second derivatives of the fused ops are those of their twins") {
  for (const Twin& twin : table()) {
    const int64_t n = *std::find_if(twin.sizes.begin(), twin.sizes.end(),
                                    [&](int64_t size) { return size > 1 || size == twin.sizes.back(); });
    INFO(twin.name << ", n " << n);
    const Inputs inputs = twin.inputs(n, DType::Float32);
    const Tensors expected = second_derivatives(twin.composed, laid_out(inputs, [](const Tensor& x) { return x; }));
    for (const Device device : test_devices()) {
      INFO("on " << to_string(device));
      const auto on_device = [&](const Tensor& x) { return to(x.detach(), device); };
      require_same(second_derivatives(twin.fused, laid_out(inputs, on_device)), expected, twin.second_tolerance,
                   twin.floor);
    }
  }
}
