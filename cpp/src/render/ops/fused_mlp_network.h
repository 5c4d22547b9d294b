// The fused multilayer perceptron before and behind its tape, shared by the ops that contain one.
#pragma once

#include <algorithm>
#include <atomic>
#include <vector>

#include "needlecpp/autograd/function.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/core/tensor.h"
#include "needlecpp/render/fused_mlp.h"
#include "ops/plumbing/scratch.h"
#include "render/ops/fused_mlp_kernels.h"

namespace needlecpp {

// What a network computes with, for the backward pass to repeat.
struct MlpOptions {
  Activation hidden, output;
  Precision precision;
};

// Throws for weights that do not chain from inputs of `width`, or are not of x's dtype.
void check_weights(const char* op, int64_t width, DType dtype, const Tensors& weights);
// Memory for the hidden activations of n points, to be saved for the backward pass.
Tensors hidden_activations(int64_t n, const Tensors& weights, Precision precision);

// The kernels' view of a network, and the packed weights.
class Network {
 public:
  // For the forward pass, or (transposed) for the backward pass. What saved_hidden holds is written or read.
  Network(const Tensors& weights, const MlpOptions& options, const Tensors& saved_hidden, bool transposed);

  MlpArgs& args() { return args_; }
  const MlpArgs& args() const { return args_; }
  int64_t in() const { return layers_.front().in; }
  int64_t out() const { return layers_.back().out; }
  int64_t scratch() const { return kernels_.scratch(args_); }
  // Points [begin, end) of `args` on this thread.
  void forward(const MlpArgs& args, int64_t begin, int64_t end, float* scratch) const {
    kernels_.forward(args, begin, end, scratch);
  }
  // All n points on all threads: args().dx if that is there, and the gradients of the weights wanted.
  Tensors backward(int64_t n, const Tensors& weights, const std::vector<bool>& wanted);

  // body(scratch, begin, end, chunk) for chunks of `length` of n points; each thread brings scratch memory once.
  template <class Body>
  void for_chunks(int64_t n, int64_t length, Body&& body) const {
    const int64_t n_chunks = (n + length - 1) / length;
    const int64_t scratch_size = scratch();
    std::atomic<int64_t> next{0};
    parallel_for(std::min<int64_t>(num_threads(), n_chunks), 1, [&](int64_t, int64_t) {
      const Scratch<float> memory(scratch_size);
      for (int64_t chunk; (chunk = next.fetch_add(1, std::memory_order_relaxed)) < n_chunks;)
        body(memory.data(), chunk * length, std::min(n, (chunk + 1) * length), chunk);
    });
  }

 private:
  // The two families of kernels, alike in what they take.
  struct Kernels {
    void (*pack)(const MlpLayer&);
    int64_t (*scratch)(const MlpArgs&);
    void (*forward)(const MlpArgs&, int64_t, int64_t, float*);
    void (*backward)(const MlpArgs&, int64_t, int64_t, float*, float*);
  };
  static Kernels kernels_of(Precision precision);
  static int64_t packed_size(const Tensors& weights, bool transposed);

  Kernels kernels_;
  std::vector<MlpLayer> layers_;
  Scratch<float> packed_;
  MlpArgs args_ = {};
};

// The columns of a matrix [n, in] with any strides.
MlpColumns mlp_rows(const Tensor& x);

}  // namespace needlecpp
