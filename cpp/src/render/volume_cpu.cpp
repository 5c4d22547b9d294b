// Kernels of volume rendering over packed samples (Max, "Optical Models for Direct Volume Rendering", 1995, section 4).
//
// Two kinds of work, in turns over a tile of samples that stays in L1. A tile holds whole rays, as many as fit, one at
// least; so the scratch is as long as the longest ray, and nothing is carried from tile to tile.
//   Per sample, in vectors that run over the borders of rays: tau = sigma dt, T = exp(-prefix), e = exp(-tau), and
//   w = T (1 - e). The two exponentials are most of the arithmetic.
//   Per ray, one sample after the other: prefix sums of tau, sums of w c, the reverse walk of the backward pass.
// Read fill_tile first, then volume_forward and volume_backward. At 10 to 25 samples a ray, vectors along one ray are
// mostly empty, and one ray a lane needs gathers and waits for the longest of its rays; both were slower.
//
// Precision. T comes from the prefix sum of tau in double and one exp, not from a running product of exp(-tau): the
// product collects a rounding error a sample, and one of the same sign in a homogeneous medium. 1 - exp(-tau) is a
// series where tau is small (alpha_of), for typical tau are 1e-3 and the difference would keep four digits.
//
// Backward. With g_i = dcolor . c_i + dopacity + ddepth t_i, so that dL = sum g_i dw_i,
//   dL/dtau_i = T_{i+1} g_i - sum_{j > i} w_j g_j        (T_{i+1} = T_i e_i),    dL/dc_i = w_i dcolor.
// The sum behind i is built by walking the ray from its end. The usual trick - total from the saved outputs minus the
// prefix so far - saves no pass here, since w and g are recomputed anyway, and cancels: behind a surface the remainder
// is 1e-4 of the total and would keep three digits. Walking backwards adds only terms that belong to it.
//
// A ray stops before the first sample whose prefix exceeds `stop` (-log of early_stop, finite, so that nothing lies
// behind infinite thickness). From there on samples are not looked at: no contribution whatever they hold, gradients
// zero. fill_tile marks them by an infinite prefix. A NaN reaches its own ray only.
//
// Results do not depend on the thread count: a ray is summed in order by one thread, and a lane's arithmetic does not
// depend on which lane it is.
#include "render/volume_kernels.h"
#include "simd/vec.h"

namespace needlecpp::NDL_ISA {

namespace {

struct Tile {
  int64_t ray_end;  // rays [ray, ray_end), samples [first, last)
  int64_t first;
  int64_t last;
  float* prefix;       // optical thickness in front of each sample, INFINITY from the ray's stop on
  float* weight;       // w
  float* transmitted;  // T behind each sample
};

Tile next_tile(const VolumeArgs& args, int64_t ray, int64_t end) {
  Tile tile;
  tile.first = args.offsets[ray];
  tile.ray_end = ray + 1;
  while (tile.ray_end < end && args.offsets[tile.ray_end + 1] - tile.first <= args.tile) ++tile.ray_end;
  tile.last = args.offsets[tile.ray_end];
  const int64_t length = args.tile + kVolumePadding;
  tile.prefix = args.scratch;
  tile.weight = args.scratch + length;
  tile.transmitted = args.scratch + 2 * length;
  return tile;
}

// Vectors of a tile's sample arrays; only the last one is short.
FloatV load_samples(const float* from, int64_t i, int64_t count) {
  return i + kFloats <= count ? load<FloatV>(from + i) : load<FloatV>(from + i, count - i);
}

void fill_tile(const VolumeArgs& args, int64_t ray, const Tile& tile) {
  const int64_t count = tile.last - tile.first;
  float* tau = tile.transmitted;
  for (int64_t i = 0; i < count; i += kFloats)
    store(tau + i, load_samples(args.sigma + tile.first, i, count) * load_samples(args.dt + tile.first, i, count));
  for (; ray < tile.ray_end; ++ray) {
    int64_t i = args.offsets[ray] - tile.first;
    const int64_t end = args.offsets[ray + 1] - tile.first;
    double sum = 0;
    for (; i < end; ++i) {
      const float prefix = static_cast<float>(sum);
      if (prefix > args.stop) break;
      tile.prefix[i] = prefix;
      sum += tau[i];
    }
    for (; i < end; ++i) tile.prefix[i] = INFINITY;
  }
  for (int64_t i = 0; i < count; i += kFloats) {
    const FloatV thickness = load_samples(tau, i, count);
    const FloatV arriving = m_exp(-load_samples(tile.prefix, i, count));
    const FloatV transparency = m_exp(-thickness);
    store(tile.weight + i, arriving * alpha_of(thickness, transparency));
    store(tile.transmitted + i, arriving * transparency);
  }
}

}  // namespace

void volume_forward(const VolumeArgs& args, int64_t begin, int64_t end, float* color, float* opacity, float* depth) {
  for (int64_t ray = begin; ray < end;) {
    const Tile tile = next_tile(args, ray, end);
    fill_tile(args, ray, tile);
    for (; ray < tile.ray_end; ++ray) {
      float red = 0, green = 0, blue = 0, total = 0, distance = 0;
      for (int64_t i = args.offsets[ray]; i < args.offsets[ray + 1]; ++i) {
        if (tile.prefix[i - tile.first] == INFINITY) break;
        const float w = tile.weight[i - tile.first];
        red += w * args.rgb[3 * i];
        green += w * args.rgb[3 * i + 1];
        blue += w * args.rgb[3 * i + 2];
        total += w;
        distance += w * args.t[i];
      }
      color[3 * ray] = red;
      color[3 * ray + 1] = green;
      color[3 * ray + 2] = blue;
      opacity[ray] = total;
      depth[ray] = distance;
    }
  }
}

void volume_backward(const VolumeArgs& args, int64_t begin, int64_t end, const VolumeGradients& gradients) {
  for (int64_t ray = begin; ray < end;) {
    const Tile tile = next_tile(args, ray, end);
    fill_tile(args, ray, tile);
    for (; ray < tile.ray_end; ++ray) {
      const float dred = gradients.dcolor ? gradients.dcolor[3 * ray] : 0;
      const float dgreen = gradients.dcolor ? gradients.dcolor[3 * ray + 1] : 0;
      const float dblue = gradients.dcolor ? gradients.dcolor[3 * ray + 2] : 0;
      const float dopacity = gradients.dopacity ? gradients.dopacity[ray] : 0;
      const float ddepth = gradients.ddepth ? gradients.ddepth[ray] : 0;
      const int64_t first = args.offsets[ray];
      int64_t i = args.offsets[ray + 1];
      for (; i > first && tile.prefix[i - 1 - tile.first] == INFINITY; --i) {
        if (gradients.dsigma) gradients.dsigma[i - 1] = 0;
        if (gradients.drgb) memset(gradients.drgb + 3 * (i - 1), 0, 3 * sizeof(float));
      }
      float behind = 0;  // sum of w g over the samples behind
      for (--i; i >= first; --i) {
        const float* c = args.rgb + 3 * i;
        const float w = tile.weight[i - tile.first];
        const float g = dred * c[0] + dgreen * c[1] + dblue * c[2] + (dopacity + ddepth * args.t[i]);
        if (gradients.dsigma) gradients.dsigma[i] = args.dt[i] * (tile.transmitted[i - tile.first] * g - behind);
        behind += w * g;
        if (gradients.drgb) {
          gradients.drgb[3 * i] = w * dred;
          gradients.drgb[3 * i + 1] = w * dgreen;
          gradients.drgb[3 * i + 2] = w * dblue;
        }
      }
    }
  }
}

void volume_weights(const VolumeArgs& args, int64_t begin, int64_t end, float* weights) {
  for (int64_t ray = begin; ray < end;) {
    const Tile tile = next_tile(args, ray, end);
    fill_tile(args, ray, tile);
    for (int64_t i = tile.first; i < tile.last; ++i)
      weights[i] = tile.prefix[i - tile.first] == INFINITY ? 0.0f : tile.weight[i - tile.first];
    ray = tile.ray_end;
  }
}

}  // namespace needlecpp::NDL_ISA
