// Draws from a Generator: each takes one key, and each element one counter (or a share of one) under that key.
#include "needlecpp/core/random.h"

#if __has_include(<pthread.h>)
#include <pthread.h>
#endif

#include <algorithm>
#include <cmath>
#include <random>

#include "core/random_kernels.h"
#include "needlecpp/core/allocator.h"
#include "needlecpp/core/parallel.h"

namespace needlecpp {
namespace {

constexpr int64_t kGrain = 4096;  // blocks

// Float32 numbers rounded to 16 bits. Rounding may reach `high`, which the range excludes: those become low.
template <class Half>
void narrow(const Tensor& wide, const Tensor& y, Half (*convert)(float), bool bounded, float low, float high) {
  const float* from = wide.data<float>();
  Half* to = y.data<Half>();
  parallel_for(y.numel(), kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      to[i] = convert(from[i]);
      if (bounded && !(to_float(to[i]) < high)) to[i] = convert(low);
    }
  });
}

enum class Law { kUniform, kNormal };

Tensor draw(Law law, const Shape& shape, double a, double b, DType dtype, const Generator::Key& key) {
  const Tensor y = Tensor::empty(shape, dtype);
  if (y.numel() == 0) return y;
  if (dtype == DType::Float16 || dtype == DType::BFloat16) {
    const Tensor wide = draw(law, shape, a, b, DType::Float32, key);
    const float low = static_cast<float>(a);
    const float high = static_cast<float>(b);
    if (dtype == DType::Float16)
      narrow<Float16>(wide, y, to_float16, law == Law::kUniform, low, high);
    else
      narrow<BFloat16>(wide, y, to_bfloat16, law == Law::kUniform, low, high);
    return y;
  }
  const RandomArgs args = {y.raw(), y.numel(), key.seed, key.draw, a, b};
  const bool wide = dtype == DType::Float64;
  const int64_t per_block = wide ? kRandom64 : kRandom32;
  const int64_t blocks = (y.numel() + per_block - 1) / per_block;
  parallel_for(blocks, kGrain, [&](int64_t begin, int64_t end) {
    if (law == Law::kUniform)
      wide ? NDL_KERNEL(uniform_double)(args, begin, end) : NDL_KERNEL(uniform_float)(args, begin, end);
    else
      wide ? NDL_KERNEL(normal_double)(args, begin, end) : NDL_KERNEL(normal_float)(args, begin, end);
  });
  return y;
}

void check_floating(const char* op, DType dtype) {
  NDL_CHECK(is_floating(dtype), TypeError, op, "wrong dtype: got ", name(dtype),
            ", expected a floating one. Use randint for integers.");
}

}  // namespace

namespace {

thread_local Generator* g_thread_generator = nullptr;
std::atomic<uint64_t> g_forks{0};  // since the program's stream was seeded

uint64_t seed_of_system() {
  std::random_device device;
  return (uint64_t{device()} << 32) | device();
}

Generator& program_generator() {
  static Generator generator(seed_of_system());
  return generator;
}

// A bijection of 64 bits without visible pattern (the finalizer of SplitMix64).
uint64_t scramble(uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

#if __has_include(<pthread.h>)
// The parent counts its forks just before each, so that the child finds its own number. The stream is made here at the
// latest: children that each made theirs from the system's randomness could not be repeated.
[[maybe_unused]] const int g_at_fork = pthread_atfork(
    [] {
      program_generator();
      g_forks.fetch_add(1);
    },
    nullptr, [] { program_generator().seed(scramble(program_generator().seed() ^ scramble(g_forks.exchange(0)))); });
#endif

}  // namespace

Generator& default_generator() { return g_thread_generator ? *g_thread_generator : program_generator(); }
GeneratorScope::GeneratorScope(Generator& generator) : before_(g_thread_generator) { g_thread_generator = &generator; }
GeneratorScope::~GeneratorScope() { g_thread_generator = before_; }

void manual_seed(uint64_t seed) {
  default_generator().seed(seed);
  if (!g_thread_generator) g_forks = 0;
}
uint64_t initial_seed() { return default_generator().seed(); }

Tensor rand(const Shape& shape, double low, double high, DType dtype, Generator& generator) {
  OpScope scope("rand");
  check_floating("rand", dtype);
  const double span = dtype == DType::Float64 ? high - low : static_cast<float>(high) - static_cast<float>(low);
  NDL_CHECK(low <= high && std::isfinite(span), ValueError, "rand", "bad range: got low ", low, " and high ", high,
            ", expected low <= high and a finite difference.");
  return draw(Law::kUniform, shape, low, high, dtype, generator.next());
}

Tensor randn(const Shape& shape, double mean, double std, DType dtype, Generator& generator) {
  OpScope scope("randn");
  check_floating("randn", dtype);
  NDL_CHECK(std >= 0 && std::isfinite(std) && std::isfinite(mean), ValueError, "randn",
            "bad mean or standard deviation: got ", mean, " and ", std,
            ", expected finite numbers, the second of 0 or more.");
  return draw(Law::kNormal, shape, mean, std, dtype, generator.next());
}

Tensor randint(int64_t low, int64_t high, const Shape& shape, DType dtype, Generator& generator) {
  OpScope scope("randint");
  NDL_CHECK(dtype == DType::Int64 || dtype == DType::Int32, TypeError, "randint", "wrong dtype: got ", name(dtype),
            ", expected int64 or int32.");
  NDL_CHECK(low < high, ValueError, "randint", "empty range: got low ", low, " and high ", high,
            ", expected low < high.");
  NDL_CHECK(dtype == DType::Int64 || (low >= INT32_MIN && high <= int64_t{INT32_MAX} + 1), ValueError, "randint",
            "range beyond int32: got ", low, " to ", high, ". Use int64.");
  const Tensor y = Tensor::empty(shape, dtype);
  const Generator::Key key = generator.next();
  const RandintArgs args = {y.raw(),
                            dtype == DType::Int64,
                            y.numel(),
                            key.seed,
                            key.draw,
                            low,
                            static_cast<uint64_t>(high) - static_cast<uint64_t>(low)};
  parallel_for((y.numel() + kRandom64 - 1) / kRandom64, kGrain, [&](int64_t begin, int64_t end) {
    NDL_KERNEL(random_integers)(args, begin, end);
  });
  return y;
}

}  // namespace needlecpp
