// Counter-based random numbers (Philox4x32-10: Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC11).
// Element i of a draw depends on (seed, draw number, i) alone, hence not on the thread count or the device.
#pragma once

#include <cstdint>

#include "needlecpp/core/tensor.h"

namespace needlecpp {

// A stream of draws. `next()` hands out the key of one draw; kernels turn (key, element) into numbers.
class Generator {
 public:
  explicit Generator(uint64_t seed = 0) : seed_(seed) {}
  struct Key {
    uint64_t seed;
    uint64_t draw;
  };
  Key next() { return {seed_, draw_++}; }
  void seed(uint64_t value) {
    seed_ = value;
    draw_ = 0;
  }
  uint64_t seed() const { return seed_; }
  uint64_t draw() const { return draw_; }
  void set_draw(uint64_t draw) { draw_ = draw; }

 private:
  uint64_t seed_;
  uint64_t draw_ = 0;
};

Generator& default_generator();
void manual_seed(uint64_t seed);  // reseeds the default generator

// Uniform in [low, high); float32 has 24 random bits, float64 53.
Tensor rand(const Shape& shape, double low = 0, double high = 1, DType dtype = DType::Float32,
            Generator& generator = default_generator());
// Normal by Box-Muller.
Tensor randn(const Shape& shape, double mean = 0, double std = 1, DType dtype = DType::Float32,
             Generator& generator = default_generator());
// Integers in [low, high), int64 or int32.
Tensor randint(int64_t low, int64_t high, const Shape& shape, DType dtype = DType::Int64,
               Generator& generator = default_generator());

}  // namespace needlecpp
