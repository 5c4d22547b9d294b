// Kernels of volume rendering over packed samples (Max, "Optical Models for Direct Volume Rendering", 1995, section 4).
//
// A ray is walked in vectors of its samples; read Walk::next first. Of a vector's optical depths tau = sigma dt come,
// by a prefix sum in the register, the thickness P behind each sample, T = exp(-P) with one exponential a sample, and
// the weights w = T_i - T_{i+1}. The backward pass walks a ray forwards, leaving w g and T g in scratch that stays in
// the first-level cache, and then backwards over them with a sum from the end.
//
// Ceiling. A sample is 24 bytes to read forwards, 24 to read and 16 to write backwards; two Zen 5 cores copy 50 to 110
// GB/s on a shared machine. In cache the two passes take 5 and 7 cycles a sample (rays of 64, AVX-512), of which the
// exponential is 0.6, taking colours apart and joining them 0.5, the sums in registers 0.7 each. Before, exponentials
// ran over tiles of several rays and everything else sample by sample, at 10 and 11 cycles: sums of products wait four
// cycles for each addition. At ten samples a ray, where vectors are half empty, both ways take 10 and 15.
//
// Precision. T comes from the prefix sum and one exp, not from a running product of exp(-tau): the product collects a
// rounding error a sample, and one of the same sign in a homogeneous medium. The sum runs in double from vector to
// vector; inside one it is a tree of four additions. w is the difference of two T where tau is 1/8 or more, and
// T times a series of 1 - exp(-tau) below: typical tau are 1e-3, and the difference would keep four digits.
//
// Backward. With g_i = dcolor . c_i + dopacity + ddepth t_i, so that dL = sum g_i dw_i,
//   dL/dtau_i = T_{i+1} g_i - sum_{j > i} w_j g_j        (T_{i+1} = T_i e_i),    dL/dc_i = w_i dcolor.
// The sum behind i is built from the ray's end. The usual trick - total from the saved outputs minus the prefix so far
// - cancels: behind a surface the remainder is 1e-4 of the total and would keep three digits. Walking backwards adds
// only terms that belong to it.
//
// A ray stops before the first sample whose prefix exceeds `stop` (-log of early_stop, finite, so that nothing lies
// behind infinite thickness). From there on samples are not looked at: no contribution whatever they hold, gradients
// zero. A NaN reaches its own ray only.
//
// Results do not depend on the thread count: a ray is walked by one thread.
#include "render/ops/volume_kernels.h"
#include "simd/vec.h"

namespace needlecpp::NDL_ISA {
namespace {

// One vector of samples.
struct Step {
  FloatV weight;       // w
  FloatV transmitted;  // T behind each sample
  int64_t count;       // samples in front of the ray's stop; the lanes from there on are anything
};

// Goes along one ray, a vector of samples at a time.
class Walk {
 public:
  Walk(const VolumeArgs& args, int64_t ray) : args_(args), at_(args.offsets[ray]), end_(args.offsets[ray + 1]) {}

  int64_t at() const { return at_; }
  bool done() const { return at_ >= end_; }

  // The vector at at(), and moves on behind it, to the end where the ray stops in it.
  NDL_HD Step next() {
    const int64_t left = end_ - at_;
    const FloatV tau = load_lanes<FloatV>(args_.sigma + at_, left) * load_lanes<FloatV>(args_.dt + at_, left);
    const FloatV sum = prefix_sum(tau);
    const FloatV start = splat<FloatV>(static_cast<float>(thickness_));
    const FloatV behind = sum + start;
    const FloatV before = lanes_up<1>(behind, start);
    Step step;
    step.transmitted = m_exp(-behind);
    step.weight = sample_weight(tau, lanes_up<1>(step.transmitted, arriving_), step.transmitted);
    step.count = left < kFloats ? left : kFloats;
    at_ += step.count;
    thickness_ += static_cast<double>(sum[kFloats - 1]);
    arriving_ = step.transmitted;
    const IntV beyond = before > args_.stop;
    if (any(beyond)) [[unlikely]] {
      int64_t live = 0;
      while (live < step.count && !beyond[live]) ++live;
      if (live < step.count) {
        step.count = live;
        at_ = end_;
      }
    }
    return step;
  }

 private:
  const VolumeArgs& args_;
  int64_t at_, end_;
  double thickness_ = 0;                   // in front of the vector
  FloatV arriving_ = splat<FloatV>(1.0f);  // last lane: T in front of the vector
};

NDL_HD FloatV keep(FloatV x, int64_t count) { return count >= kFloats ? x : first_lanes<IntV>(count) ? x : FloatV{}; }

struct Colors {
  FloatV red, green, blue;
};
NDL_HD Colors load_colors(const float* rgb, int64_t count) {
  FloatV v[3];
  for (int s = 0; s < 3; ++s) {
    const int64_t left = 3 * count - s * kFloats;
    v[s] = left > 0 ? load_lanes<FloatV>(rgb + s * kFloats, left) : FloatV{};
  }
  return {component<0>(v), component<1>(v), component<2>(v)};
}

void clear(float* to, int64_t count) {
  for (int64_t i = 0; i < count; ++i) to[i] = 0;
}

// dL of one ray's outputs.
struct RayGradient {
  FloatV red, green, blue, opacity, depth;
  FloatV triples[3];  // red green blue red green blue ...

  RayGradient(const VolumeGradients& gradients, int64_t ray) {
    const float none[3] = {0, 0, 0};
    const float* color = gradients.dcolor ? gradients.dcolor + 3 * ray : none;
    red = splat<FloatV>(color[0]);
    green = splat<FloatV>(color[1]);
    blue = splat<FloatV>(color[2]);
    opacity = splat<FloatV>(gradients.dopacity ? gradients.dopacity[ray] : 0);
    depth = splat<FloatV>(gradients.ddepth ? gradients.ddepth[ray] : 0);
    float pattern[3 * kFloats];
    for (int i = 0; i < 3 * kFloats; ++i) pattern[i] = color[i % 3];
    for (int s = 0; s < 3; ++s) triples[s] = load<FloatV>(pattern + s * kFloats);
  }
};

template <int S>
NDL_HD void store_triples(const RayGradient& dy, FloatV weight, float* to, int64_t count) {
  const int64_t left = 3 * count - S * kFloats;
  if (left > 0) store_lanes(to + S * kFloats, thrice<S>(weight) * dy.triples[S], left);
}

}  // namespace

void volume_forward(const VolumeArgs& args, int64_t begin, int64_t end, float* color, float* opacity, float* depth) {
  for (int64_t ray = begin; ray < end; ++ray) {
    FloatV red = {}, green = {}, blue = {}, total = {}, distance = {};
    for (Walk walk(args, ray); !walk.done();) {
      const int64_t at = walk.at();
      const Step step = walk.next();
      const FloatV w = keep(step.weight, step.count);
      const Colors c = load_colors(args.rgb + 3 * at, step.count);
      red += w * c.red;
      green += w * c.green;
      blue += w * c.blue;
      total += w;
      distance += w * load_lanes<FloatV>(args.t + at, step.count);
    }
    const FloatV sums = four_sums(red, green, blue, total);
    for (int c = 0; c < 3; ++c) color[3 * ray + c] = sums[c];
    opacity[ray] = sums[3];
    depth[ray] = four_sums(distance, FloatV{}, FloatV{}, FloatV{})[0];
  }
}

void volume_backward(const VolumeArgs& args, int64_t begin, int64_t end, const VolumeGradients& gradients) {
  float* weighted = args.scratch;                                // w g
  float* passed = args.scratch + args.longest + kVolumePadding;  // T g
  for (int64_t ray = begin; ray < end; ++ray) {
    const int64_t first = args.offsets[ray], last = args.offsets[ray + 1];
    const RayGradient dy(gradients, ray);
    int64_t live = 0;
    for (Walk walk(args, ray); !walk.done();) {
      const int64_t at = walk.at();
      const Step step = walk.next();
      const FloatV w = keep(step.weight, step.count);
      if (gradients.drgb) {
        store_triples<0>(dy, w, gradients.drgb + 3 * at, step.count);
        store_triples<1>(dy, w, gradients.drgb + 3 * at, step.count);
        store_triples<2>(dy, w, gradients.drgb + 3 * at, step.count);
      }
      if (gradients.dsigma) {
        const Colors c = load_colors(args.rgb + 3 * at, step.count);
        const FloatV t = load_lanes<FloatV>(args.t + at, step.count);
        const FloatV g = dy.red * c.red + dy.green * c.green + dy.blue * c.blue + (dy.opacity + dy.depth * t);
        store(weighted + (at - first), keep(w * g, step.count));
        store(passed + (at - first), step.transmitted * g);
      }
      live = at - first + step.count;
    }
    if (gradients.drgb) clear(gradients.drgb + 3 * (first + live), 3 * (last - first - live));
    if (gradients.dsigma) {
      clear(gradients.dsigma + first + live, last - first - live);
      float behind = 0;  // the sum behind the vector
      for (int64_t i = live > 0 ? (live - 1) / kFloats * kFloats : -1; i >= 0; i -= kFloats) {
        const FloatV rest = splat<FloatV>(behind);
        const FloatV sum = suffix_sum(load<FloatV>(weighted + i)) + rest;
        const int64_t count = live - i;
        const FloatV dtau = load<FloatV>(passed + i) - lanes_down<1>(sum, rest);
        store_lanes(gradients.dsigma + first + i, load_lanes<FloatV>(args.dt + first + i, count) * dtau, count);
        behind = sum[0];
      }
    }
  }
}

void volume_weights(const VolumeArgs& args, int64_t begin, int64_t end, float* weights) {
  for (int64_t ray = begin; ray < end; ++ray) {
    int64_t live = args.offsets[ray];
    for (Walk walk(args, ray); !walk.done();) {
      const int64_t at = walk.at();
      const Step step = walk.next();
      store_lanes(weights + at, step.weight, step.count);
      live = at + step.count;
    }
    clear(weights + live, args.offsets[ray + 1] - live);
  }
}

}  // namespace needlecpp::NDL_ISA
