// The fused multilayer perceptron: checks, memory, threads and the tape. The kernels are in fused_mlp_simd.cpp.
#include "needlecpp/render/fused_mlp.h"

#include <algorithm>
#include <vector>

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/matmul.h"
#include "render/ops/fused_mlp_network.h"

namespace needlecpp {
namespace {

constexpr int64_t kMaxWidth = 256;

// x as the bfloat16 products see it; the gradient passes.
Tensor rounded(const Tensor& x) {
  return record("rounded", cast(cast(x.detach(), DType::BFloat16), x.dtype()), {x}, {},
                [](Backward& g) { g.give(0, g.dy()); });
}

MlpActivation kernel_activation(Activation activation) {
  switch (activation) {
    case Activation::ReLU:
      return MlpActivation::kRelu;
    case Activation::Sigmoid:
      return MlpActivation::kSigmoid;
    default:
      return MlpActivation::kNone;
  }
}

Tensor activate(const Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::ReLU:
      return relu(x);
    case Activation::Sigmoid:
      return sigmoid(x);
    default:
      return x;
  }
}

void check_arguments(const Tensor& x, const Tensors& weights) {
  const char* op = "fused_mlp";
  NDL_CHECK(x.defined(), ValueError, op, "x is undefined: got no tensor, expected [n, in].");
  NDL_CHECK(is_floating(x.dtype()), TypeError, op, "wrong dtype of x: got ", name(x.dtype()),
            ", expected a floating type. Cast first.");
  NDL_CHECK(x.rank() == 2, ValueError, op, "wrong rank of x: got ", x.rank(), ", expected 2: [n, in]. Reshape first.");
  check_weights(op, x.size(1), x.dtype(), weights);
}

// Points that share a buffer for weight gradients: it depends on n alone, so that the order of summation, and with it
// the result, does not depend on the number of threads.
int64_t gradient_chunk(int64_t n) {
  constexpr int64_t kMaxChunks = 64;
  const int64_t least = std::max<int64_t>(2048, (n + kMaxChunks - 1) / kMaxChunks);
  return (least + kMlpTile - 1) / kMlpTile * kMlpTile;
}

Tensor run_forward(const Tensor& x, const Tensors& weights, const MlpOptions& options, const Tensors& saved_hidden) {
  const int64_t n = x.size(0);
  const Tensor y = Tensor::empty({n, weights.back().size(1)});
  if (n == 0) return y;
  Network network(weights, options, saved_hidden, false);
  network.args().x = mlp_rows(x);
  network.args().y = y.data<float>();
  network.for_chunks(n, kMlpTile * 14, [&](float* scratch, int64_t begin, int64_t end, int64_t) {
    network.forward(network.args(), begin, end, scratch);
  });
  return y;
}

void run_backward(Backward& b, size_t n_weights, const MlpOptions& options) {
  const Tensor x = b.saved(0);
  Tensors weights, hidden;
  std::vector<bool> wanted;
  for (size_t l = 0; l < n_weights; ++l) {
    weights.push_back(b.saved(static_cast<int>(1 + l)));
    wanted.push_back(b.needs(static_cast<int>(1 + l)));
    if (l > 0) hidden.push_back(b.saved(static_cast<int>(n_weights + l)));
  }
  const Tensor dx = b.needs(0) ? Tensor::empty(x.shape()) : Tensor();
  const Tensor dy = contiguous(b.dy());
  const Tensor y = options.output == Activation::None ? Tensor() : b.output();
  Network network(weights, options, hidden, true);
  MlpArgs& args = network.args();
  args.x = mlp_rows(x);
  args.dy = dy.data<float>();
  if (y.defined()) args.y = y.data<float>();
  if (dx.defined()) args.dx = mlp_rows(dx);
  const Tensors dweights = network.backward(x.size(0), weights, wanted);
  if (dx.defined()) b.give(0, dx);
  for (size_t l = 0; l < n_weights; ++l)
    if (wanted[l]) b.give(static_cast<int>(1 + l), dweights[l]);
}

}  // namespace

void check_weights(const char* op, int64_t width, DType dtype, const Tensors& weights) {
  NDL_CHECK(!weights.empty(), ValueError, op, "no weights: got an empty list, expected at least one [in, out].");
  for (size_t i = 0; i < weights.size(); ++i) {
    const Tensor& w = weights[i];
    NDL_CHECK(w.defined(), ValueError, op, "weight ", i, " is undefined: got no tensor, expected [in, out].");
    NDL_CHECK(w.dtype() == dtype, TypeError, op, "mixed dtypes: got ", name(w.dtype()), " for weight ", i,
              ", expected ", name(dtype), " as x has. Cast first.");
    NDL_CHECK(w.rank() == 2, ValueError, op, "wrong rank of weight ", i, ": got ", w.rank(),
              ", expected 2: [in, out].");
    NDL_CHECK(w.size(0) == width, ValueError, op, "widths do not chain: got ", w.size(0), " rows in weight ", i,
              ", expected ", width, ", the width in front of it.");
    NDL_CHECK(w.size(0) >= 1 && w.size(0) <= kMaxWidth && w.size(1) >= 1 && w.size(1) <= kMaxWidth, ValueError, op,
              "width out of range: got ", w.size(0), " x ", w.size(1), " in weight ", i, ", expected 1 to ", kMaxWidth,
              ". Use matmul for wider layers.");
    width = w.size(1);
  }
}

Tensors hidden_activations(int64_t n, const Tensors& weights, Precision precision) {
  const DType kept = precision == Precision::BFloat16 ? DType::BFloat16 : DType::Float32;
  Tensors hidden;
  for (size_t l = 0; l + 1 < weights.size(); ++l)
    hidden.push_back(Tensor::empty({n, mlp_row(weights[l].size(1))}, kept));
  return hidden;
}

MlpColumns mlp_rows(const Tensor& x) { return {x.data<float>(), x.strides()[0], x.strides()[1], x.size(1), 0}; }

Network::Kernels Network::kernels_of(Precision precision) {
  if (precision == Precision::BFloat16)
    return {[](const MlpLayer& layer) {
              NDL_KERNEL(mlp_pack_bf16)
              (layer, kFastBf16Dot);
            },
            NDL_KERNEL(mlp_scratch_bf16), NDL_KERNEL(mlp_forward_bf16), NDL_KERNEL(mlp_backward_bf16)};
  return {NDL_KERNEL(mlp_pack), NDL_KERNEL(mlp_scratch), NDL_KERNEL(mlp_forward), NDL_KERNEL(mlp_backward)};
}

int64_t Network::packed_size(const Tensors& weights, bool transposed) {
  int64_t total = 0;
  for (const Tensor& w : weights) {
    total += w.size(0) * mlp_padded(w.size(1));
    if (transposed) total += w.size(1) * mlp_padded(w.size(0));
  }
  return total;
}

Network::Network(const Tensors& weights, const MlpOptions& options, const Tensors& saved_hidden, bool transposed)
    : kernels_(kernels_of(options.precision)), layers_(weights.size()), packed_(packed_size(weights, transposed)) {
  float* free = packed_.data();
  for (size_t l = 0; l < weights.size(); ++l) {
    MlpLayer& layer = layers_[l];
    layer.in = weights[l].size(0);
    layer.out = weights[l].size(1);
    layer.weight = weights[l].data<float>();
    layer.weight_in_stride = weights[l].strides()[0];
    layer.weight_out_stride = weights[l].strides()[1];
    layer.packed = free;
    free += layer.in * mlp_padded(layer.out);
    layer.packed_t = transposed ? free : nullptr;
    if (transposed) free += layer.out * mlp_padded(layer.in);
    layer.saved = l < saved_hidden.size() ? saved_hidden[l].raw() : nullptr;
    layer.gradient_at = -1;
    kernels_.pack(layer);
  }
  args_.layers = layers_.data();
  args_.n_layers = static_cast<int>(layers_.size());
  args_.hidden = kernel_activation(options.hidden);
  args_.output = kernel_activation(options.output);
  args_.pairs = kFastBf16Dot;
}

Tensors Network::backward(int64_t n, const Tensors& weights, const std::vector<bool>& wanted) {
  Tensors gradients(weights.size());
  int64_t size = 0;
  for (size_t l = 0; l < weights.size(); ++l) {
    if (!wanted[l]) continue;
    gradients[l] = n > 0 ? Tensor::empty(weights[l].shape()) : Tensor::zeros(weights[l].shape());
    layers_[l].gradient_at = size;
    size += NDL_KERNEL(mlp_gradient_size)(layers_[l]);
  }
  if (n == 0) return gradients;
  const int64_t length = gradient_chunk(n);
  const int64_t n_chunks = (n + length - 1) / length;
  const Scratch<float> sums(size * n_chunks);
  for_chunks(n, length, [&](float* scratch, int64_t begin, int64_t end, int64_t chunk) {
    float* mine = sums.data() + chunk * size;
    std::fill_n(mine, size, 0.0f);
    kernels_.backward(args_, begin, end, scratch, mine);
  });
  parallel_for(size, 1024, [&](int64_t begin, int64_t end) {
    NDL_KERNEL(mlp_sum_chunks)(sums.data(), size, n_chunks, begin, end);
  });
  for (size_t l = 0; l < weights.size(); ++l)
    if (wanted[l]) NDL_KERNEL(mlp_unpack_gradient)(layers_[l], sums.data(), gradients[l].data<float>());
  return gradients;
}

Precision precision_from_name(const std::string& precision_name) {
  Precision precision = Precision::Float32;
  NDL_CHECK(assign_named(precision, precision_name), ValueError, "fused_mlp", "unknown precision: got \"",
            precision_name, "\", expected ", names_listed(precision), ".");
  return precision;
}

Tensor fused_mlp(const Tensor& x, const Tensors& weights, Activation hidden, Activation output, Precision precision) {
  OpScope scope("fused_mlp");
  check_arguments(x, weights);
  if (x.dtype() != DType::Float32) return fused_mlp_composed(x, weights, hidden, output, precision);

  const MlpOptions options{hidden, output, precision};
  Tensors inputs = {x};
  inputs.insert(inputs.end(), weights.begin(), weights.end());
  if (!grad_enabled() || !detail::any_requires_grad(inputs)) return run_forward(x, weights, options, {});

  const Tensors saved_hidden = hidden_activations(x.size(0), weights, precision);
  const Tensor y = run_forward(x, weights, options, saved_hidden);
  Tensors saved = inputs;
  saved.insert(saved.end(), saved_hidden.begin(), saved_hidden.end());
  const size_t n_weights = weights.size();
  return record(
      "fused_mlp", Tensors{y}, inputs, saved,
      [n_weights, options](Backward& b) {
        OpScope scope("fused_mlp");
        if (!Backward::recording()) return run_backward(b, n_weights, options);
        Tensors inputs;
        for (size_t i = 0; i <= n_weights; ++i) inputs.push_back(b.saved(static_cast<int>(i)));
        b.through_twin(
            [options](const Tensors& in) {
              return Tensors{fused_mlp_composed(in[0], Tensors(in.begin() + 1, in.end()), options.hidden,
                                                options.output, options.precision)};
            },
            inputs);
      },
      output == Activation::None ? SaveOutputs::No : SaveOutputs::Yes)[0];
}

Tensor fused_mlp_composed(const Tensor& x, const Tensors& weights, Activation hidden, Activation output,
                          Precision precision) {
  Op op("fused_mlp", x, weights);
  check_arguments(x, weights);
  Tensor y = x;
  for (size_t l = 0; l < weights.size(); ++l) {
    const bool narrow = precision == Precision::BFloat16;
    const Tensor product = narrow ? matmul(rounded(y), rounded(weights[l])) : matmul(y, weights[l]);
    y = activate(product, l + 1 < weights.size() ? hidden : output);
  }
  return y;
}

}  // namespace needlecpp
