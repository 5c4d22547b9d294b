// Programs with threads of their own: each works on its own tensors, shares parameters for reading, and gets what one
// thread alone gets. Run under the thread sanitizer by the preset tsan.
#include <atomic>
#include <thread>

#include "catch.h"
#include "needlecpp/autograd/autograd.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/gather.h"
#include "needlecpp/ops/matmul.h"
#include "needlecpp/ops/random.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/scan.h"
#include "needlecpp/ops/shape.h"
#include "needlecpp/ops/softmax.h"

using namespace needlecpp;

namespace {

constexpr int kThreads = 8;

// Runs body(i) on kThreads threads at once.
template <class Body>
void together(Body&& body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back([&body, i] { body(i); });
  for (std::thread& thread : threads) thread.join();
}

// A little of everything, forward and backward; large enough that loops are shared among threads.
double work(int seed, const Tensor& weight) {
  const Tensor x = reshape(cast(Tensor::arange(96 * 512), DType::Float32), {96, 512}) * (1e-5 * (seed + 1));
  x.set_requires_grad(true);
  const Tensor index = Tensor::from_vector<int64_t>({3, 1, 4, 1, 5, 9, 2, 6}, {8});
  const Tensor h = relu(matmul(transpose(transpose(x)), weight)) + mean(x, {1}, true);
  const Tensor y = softmax(cumsum(h, 1)) * log_softmax(h) + exp(-h);
  const Tensor loss = sum(index_select(y, 0, index)) + sum(max(y, {0}));
  loss.backward();
  return loss.item() + sum(abs(x.grad())).item();
}

}  // namespace

TEST_CASE("threads of a program do not disturb each other") {
  const Tensor weight = reshape(sin(cast(Tensor::arange(512 * 64), DType::Float32)), {512, 64});
  double expected[kThreads];
  for (int i = 0; i < kThreads; ++i) expected[i] = work(i, weight);
  double got[kThreads] = {};
  together([&](int i) {
    for (int round = 0; round < 3; ++round) got[i] = work(i, weight);
  });
  for (int i = 0; i < kThreads; ++i) CHECK(got[i] == expected[i]);
}

TEST_CASE("grad mode and anomaly detection belong to a thread") {
  const NoGrad no_grad;
  set_anomaly_detection(true);
  std::atomic<int> right{0};
  together([&](int) { right += grad_enabled() && !anomaly_detection(); });
  set_anomaly_detection(false);
  CHECK(right == kThreads);
}

TEST_CASE("threads that draw from one stream get different numbers") {
  manual_seed(7);
  Tensor drawn[kThreads];
  together([&](int i) { drawn[i] = rand({1000}); });
  for (int i = 0; i < kThreads; ++i)
    for (int j = 0; j < i; ++j) CHECK(drawn[i].to_vector<float>() != drawn[j].to_vector<float>());
}

TEST_CASE("an exception on one thread of a loop arrives at its caller") {
  std::atomic<int> caught{0};
  together([&](int) {
    try {
      parallel_for(1 << 12, 1, [](int64_t begin, int64_t) { NDL_CHECK(begin != 0, ValueError, "loop", "stops"); });
    } catch (const ValueError&) {
      ++caught;
    }
  });
  CHECK(caught == kThreads);
}
