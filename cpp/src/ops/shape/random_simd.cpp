// Fills blocks of random numbers. Blocks go in groups of a vector's lanes, whole even at the end, so that an element's
// value does not depend on where a thread's share begins.
#include "ops/shape/random_kernels.h"

namespace needlecpp::NDL_ISA {
namespace {

inline constexpr int kGroup = kFloats;

// The words of kGroup blocks, one array a word.
struct Words {
  uint32_t x[kGroup], y[kGroup], z[kGroup], w[kGroup];
};

NDL_HD void draw_words(uint64_t seed, uint64_t draw, int64_t block, Words* words) {
  for (int lane = 0; lane < kGroup; ++lane) {
    const Philox4 bits = philox(seed, draw, static_cast<uint64_t>(block + lane));
    words->x[lane] = bits.x;
    words->y[lane] = bits.y;
    words->z[lane] = bits.z;
    words->w[lane] = bits.w;
  }
}

// Runs make(words, out) for groups of blocks and copies what lies inside the blocks and inside y.
template <class T, int kPerBlock, class Args, class Make>
NDL_HD void fill(const Args& args, int64_t begin, int64_t end, const Make& make) {
  Words words;
  T out[kGroup * kPerBlock];
  const int64_t last = end * kPerBlock < args.count ? end * kPerBlock : args.count;
  for (int64_t block = begin; block < end; block += kGroup) {
    draw_words(args.seed, args.draw, block, &words);
    make(words, out);
    const int64_t first = block * kPerBlock;
    const int64_t wanted = last - first < kGroup * kPerBlock ? last - first : kGroup * kPerBlock;
    memcpy(static_cast<T*>(args.y) + first, out, static_cast<size_t>(wanted) * sizeof(T));
  }
}

template <class Integer>
NDL_HD void fill_integers(const RandomIntegersArgs& args, int64_t begin, int64_t end) {
  fill<Integer, kRandom64>(args, begin, end, [&](const Words& words, Integer* out) {
    for (int i = 0; i < kGroup; ++i) {
      out[2 * i] = static_cast<Integer>(integer_in_range(words.x[i], words.y[i], args.low, args.range));
      out[2 * i + 1] = static_cast<Integer>(integer_in_range(words.z[i], words.w[i], args.low, args.range));
    }
  });
}

void uniform_float(const RandomFloatsArgs& args, int64_t begin, int64_t end) {
  const float low = static_cast<float>(args.a);
  const float high = static_cast<float>(args.b);
  fill<float, kRandom32>(args, begin, end, [&](const Words& words, float* out) {
    for (int i = 0; i < kGroup; ++i) {
      out[4 * i] = in_range(uniform24(words.x[i]), low, high);
      out[4 * i + 1] = in_range(uniform24(words.y[i]), low, high);
      out[4 * i + 2] = in_range(uniform24(words.z[i]), low, high);
      out[4 * i + 3] = in_range(uniform24(words.w[i]), low, high);
    }
  });
}

void uniform_double(const RandomFloatsArgs& args, int64_t begin, int64_t end) {
  fill<double, kRandom64>(args, begin, end, [&](const Words& words, double* out) {
    for (int i = 0; i < kGroup; ++i) {
      out[2 * i] = in_range(uniform53(words.x[i], words.y[i]), args.a, args.b);
      out[2 * i + 1] = in_range(uniform53(words.z[i], words.w[i]), args.a, args.b);
    }
  });
}

void normal_float(const RandomFloatsArgs& args, int64_t begin, int64_t end) {
  const float mean = static_cast<float>(args.a);
  const float deviation = static_cast<float>(args.b);
  const float two_pi = static_cast<float>(kTwoPi);
  fill<float, kRandom32>(args, begin, end, [&](const Words& words, float* out) {
    FloatV u0, v0, u1, v1, normal[4];
    for (int i = 0; i < kGroup; ++i) {
      u0[i] = positive_uniform(words.x[i]);
      v0[i] = uniform24(words.y[i]);
      u1[i] = positive_uniform(words.z[i]);
      v1[i] = uniform24(words.w[i]);
    }
    box_muller(u0, v0, two_pi, &normal[0], &normal[1]);
    box_muller(u1, v1, two_pi, &normal[2], &normal[3]);
    for (int k = 0; k < 4; ++k) normal[k] = normal[k] * deviation + mean;
    for (int i = 0; i < kGroup; ++i)
      for (int k = 0; k < 4; ++k) out[4 * i + k] = normal[k][i];
  });
}

void normal_double(const RandomFloatsArgs& args, int64_t begin, int64_t end) {
  fill<double, kRandom64>(args, begin, end, [&](const Words& words, double* out) {
    for (int i = 0; i < kGroup; ++i) {
      double first, second;
      box_muller(positive_uniform(words.x[i], words.y[i]), uniform53(words.z[i], words.w[i]), kTwoPi, &first, &second);
      out[2 * i] = first * args.b + args.a;
      out[2 * i + 1] = second * args.b + args.a;
    }
  });
}

}  // namespace

void uniform_floats(const RandomFloatsArgs& args, int64_t begin, int64_t end) {
  args.element == Element::F64 ? uniform_double(args, begin, end) : uniform_float(args, begin, end);
}

void normal_floats(const RandomFloatsArgs& args, int64_t begin, int64_t end) {
  args.element == Element::F64 ? normal_double(args, begin, end) : normal_float(args, begin, end);
}

void random_integers(const RandomIntegersArgs& args, int64_t begin, int64_t end) {
  args.element == Element::I64 ? fill_integers<int64_t>(args, begin, end) : fill_integers<int32_t>(args, begin, end);
}

}  // namespace needlecpp::NDL_ISA
