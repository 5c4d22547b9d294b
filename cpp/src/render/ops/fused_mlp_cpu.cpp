// The fused multilayer perceptron's points cut for threads, and its weights packed for the kernels.
#include "render/ops/fused_mlp_cpu.h"

namespace needlecpp::cpu {
namespace {

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

MlpProducts kernel_products(Precision precision) {
  if (precision == Precision::Float32) return MlpProducts::kFloat32;
  return kFastBf16Dot ? MlpProducts::kBrainPairs : MlpProducts::kBrainFloats;
}

// Points that share a buffer for weight gradients: it depends on n alone, so that the order of summation, and with it
// the result, does not depend on the number of threads.
int64_t gradient_chunk(int64_t n) {
  constexpr int64_t kMaxChunks = 64;
  const int64_t least = std::max<int64_t>(2048, (n + kMaxChunks - 1) / kMaxChunks);
  return (least + kMlpTile - 1) / kMlpTile * kMlpTile;
}

}  // namespace

MlpColumns mlp_columns(const View& x) {
  if (x.rank == 3) return {data<float>(x), x.stride[1], 1, x.size[2], x.stride[0]};
  return {data<float>(x), x.stride[0], x.stride[1], x.size[1], 0};
}

int64_t Network::packed_size(const Views& weights, bool transposed) {
  int64_t total = 0;
  for (const View& w : weights) {
    total += w.size[0] * mlp_padded(w.size[1]);
    if (transposed) total += w.size[1] * mlp_padded(w.size[0]);
  }
  return total;
}

Network::Network(const Views& weights, const MlpOptions& options, const Views& saved_hidden, bool transposed)
    : layers_(weights.size()), packed_(packed_size(weights, transposed)) {
  args_.layers = layers_.data();
  args_.n_layers = static_cast<int>(layers_.size());
  args_.hidden = kernel_activation(options.hidden);
  args_.output = kernel_activation(options.output);
  args_.products = kernel_products(options.precision);
  float* free = packed_.data();
  for (size_t l = 0; l < weights.size(); ++l) {
    MlpLayer& layer = layers_[l];
    layer.in = weights[l].size[0];
    layer.out = weights[l].size[1];
    layer.weight = data<float>(weights[l]);
    layer.weight_in_stride = weights[l].stride[0];
    layer.weight_out_stride = weights[l].stride[1];
    layer.packed = free;
    free += layer.in * mlp_padded(layer.out);
    layer.packed_t = transposed ? free : nullptr;
    if (transposed) free += layer.out * mlp_padded(layer.in);
    layer.saved = l < saved_hidden.size() ? saved_hidden[l].data : nullptr;
    layer.gradient_at = -1;
    NDL_KERNEL(mlp_pack)(args_.products, layer);
  }
}

void Network::backward(int64_t n, const Views& dweights) {
  int64_t size = 0;
  for (size_t l = 0; l < layers_.size(); ++l) {
    if (!dweights[l].given()) continue;
    layers_[l].gradient_at = size;
    size += NDL_KERNEL(mlp_gradient_size)(layers_[l]);
  }
  const int64_t length = gradient_chunk(n);
  const int64_t n_chunks = (n + length - 1) / length;
  const Scratch<float> sums(size * n_chunks);
  for_chunks(n, length, [&](float* scratch, int64_t begin, int64_t end, int64_t chunk) {
    float* mine = sums.data() + chunk * size;
    std::fill_n(mine, size, 0.0f);
    NDL_KERNEL(mlp_backward)(args_, begin, end, scratch, mine);
  });
  parallel_for(size, 1024, [&](int64_t begin, int64_t end) {
    NDL_KERNEL(mlp_sum_chunks)(sums.data(), size, n_chunks, begin, end);
  });
  for (size_t l = 0; l < layers_.size(); ++l)
    if (dweights[l].given()) NDL_KERNEL(mlp_unpack_gradient)(layers_[l], sums.data(), data<float>(dweights[l]));
}

void run_mlp(const MlpOptions& options, View x, const Views& weights, const Views& hidden, View y) {
  Network network(weights, options, hidden, false);
  network.args().x = mlp_columns(x);
  network.args().y = data<float>(y);
  network.for_chunks(y.size[0], kMlpTile * 14, [&](float* scratch, int64_t begin, int64_t end, int64_t) {
    NDL_KERNEL(mlp_forward)(network.args(), begin, end, scratch);
  });
}

void run_mlp_backward(const MlpOptions& options, View x, const Views& weights, const Views& hidden, View y, View dy,
                      View dx, const Views& dweights) {
  Network network(weights, options, hidden, true);
  MlpArgs& args = network.args();
  args.x = mlp_columns(x);
  args.dy = data<float>(dy);
  if (y.given()) args.y = data<float>(y);
  if (dx.given()) args.dx = mlp_columns(dx);
  network.backward(dy.size[0], dweights);
}

}  // namespace needlecpp::cpu
