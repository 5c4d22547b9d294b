// What the draws of ops/random.h ask of a device.
#pragma once

#include "core/run.h"
#include "needlecpp/core/random.h"

namespace needlecpp {

enum class RandomLaw { Uniform, Normal };
// Uniform numbers in [a, b), or normal ones of mean a and standard deviation b.
struct FloatDraw {
  RandomLaw law;
  double a, b;
  Generator::Key key;
};
// Integers low + 0 .. range - 1.
struct IntegerDraw {
  int64_t low;
  uint64_t range;  // at least 1
  Generator::Key key;
};

// y is contiguous and of a floating dtype. Numbers of 16 bits are those of float32, rounded.
NDL_DECLARE_RUN(void, run_draw_floats, (const FloatDraw& draw, View y))
// y is contiguous, int64 or int32.
NDL_DECLARE_RUN(void, run_draw_integers, (const IntegerDraw& draw, View y))

}  // namespace needlecpp
