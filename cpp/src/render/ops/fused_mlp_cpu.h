// A network as the kernels of fused_mlp_kernels.h see it, for the CPU's answers to all ops that contain one.
#pragma once

#include <algorithm>
#include <atomic>
#include <vector>

#include "needlecpp/core/parallel.h"
#include "ops/plumbing/scratch.h"
#include "render/ops/fused_mlp_kernels.h"
#include "render/ops/fused_mlp_run.h"

namespace needlecpp::cpu {

// The columns of a matrix [n, in] with any strides, or of panels [panels, n, width].
MlpColumns mlp_columns(const View& x);

// The kernels' view of a network, and the packed weights.
class Network {
 public:
  // For the forward pass, or (transposed) for the backward pass. What saved_hidden holds is written or read.
  Network(const Views& weights, const MlpOptions& options, const Views& saved_hidden, bool transposed);

  MlpArgs& args() { return args_; }
  const MlpArgs& args() const { return args_; }
  int64_t out() const { return layers_.back().out; }
  int64_t scratch() const { return NDL_KERNEL(mlp_scratch)(args_); }
  // All n points on all threads: args().dx if that is there, and the gradients that are given.
  void backward(int64_t n, const Views& dweights);

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
  static int64_t packed_size(const Views& weights, bool transposed);

  std::vector<MlpLayer> layers_;
  Scratch<float> packed_;
  MlpArgs args_ = {};
};

}  // namespace needlecpp::cpu
