// Draws of random numbers: each takes the next key of its generator (core/random.h), by default this thread's, and is
// the same on every device.
#pragma once

#include "needlecpp/core/device.h"
#include "needlecpp/core/random.h"
#include "needlecpp/core/tensor.h"

namespace needlecpp {

// Uniform in [low, high); float32 has 24 random bits, float64 53.
Tensor rand(const Shape& shape, double low = 0, double high = 1, DType dtype = DType::Float32,
            Device device = default_device(), Generator& generator = default_generator());
// Normal by Box-Muller.
Tensor randn(const Shape& shape, double mean = 0, double std = 1, DType dtype = DType::Float32,
             Device device = default_device(), Generator& generator = default_generator());
// Integers in [low, high), int64 or int32.
Tensor randint(int64_t low, int64_t high, const Shape& shape, DType dtype = DType::Int64,
               Device device = default_device(), Generator& generator = default_generator());

}  // namespace needlecpp
