// Blocks of random numbers cut for threads.
#include "needlecpp/core/dtype.h"
#include "needlecpp/core/parallel.h"
#include "ops/plumbing/scratch.h"
#include "ops/shape/random_kernels.h"
#include "ops/shape/random_run.h"

namespace needlecpp::cpu {
namespace {

constexpr int64_t kGrain = 4096;  // blocks

// Float32 numbers rounded to 16 bits. Rounding may reach the end of a uniform range, which that excludes: those become
// its beginning.
template <class Half>
void narrow(const FloatDraw& draw, const float* from, View y, Half (*convert)(float)) {
  const bool bounded = draw.law == RandomLaw::Uniform;
  const float low = static_cast<float>(draw.a);
  const float high = static_cast<float>(draw.b);
  Half* to = data<Half>(y);
  parallel_for(y.count, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      to[i] = convert(from[i]);
      if (bounded && !(to_float(to[i]) < high)) to[i] = convert(low);
    }
  });
}

}  // namespace

void run_draw_floats(const FloatDraw& draw, View y) {
  if (y.count == 0) return;
  if (y.element == Element::F16 || y.element == Element::BF16) {
    const Scratch<float> wide(y.count);
    run_draw_floats(draw, row_of(wide.data(), Element::F32, y.count));
    return y.element == Element::F16 ? narrow<Float16>(draw, wide.data(), y, to_float16)
                                     : narrow<BFloat16>(draw, wide.data(), y, to_bfloat16);
  }
  const RandomFloatsArgs args = {y.data, y.element, y.count, draw.key.seed, draw.key.draw, draw.a, draw.b};
  const int64_t per_block = y.element == Element::F64 ? kRandom64 : kRandom32;
  parallel_for((y.count + per_block - 1) / per_block, kGrain, [&](int64_t begin, int64_t end) {
    draw.law == RandomLaw::Uniform ? NDL_KERNEL(uniform_floats)(args, begin, end)
                                   : NDL_KERNEL(normal_floats)(args, begin, end);
  });
}

void run_draw_integers(const IntegerDraw& draw, View y) {
  const RandomIntegersArgs args = {y.data, y.element, y.count, draw.key.seed, draw.key.draw, draw.low, draw.range};
  parallel_for((y.count + kRandom64 - 1) / kRandom64, kGrain, [&](int64_t begin, int64_t end) {
    NDL_KERNEL(random_integers)(args, begin, end);
  });
}

}  // namespace needlecpp::cpu
