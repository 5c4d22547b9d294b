// What linalg_cpu.cpp hands to the kernel of linalg_simd.cpp.
#pragma once

#include <stdint.h>

#include "simd/element.h"
#include "simd/hd.h"
#include "simd/isa.h"

namespace needlecpp {

// `count` cross products: vector i has its components at i * step + {0, 1, 2} * axis, in elements.
struct CrossArgs {
  Element element;  // F32, F64, I32 or I64
  const void* a;
  const void* b;
  void* y;
  int64_t a_step, a_axis, b_step, b_axis, y_step, y_axis;
  int64_t count;
};

NDL_DECLARE_KERNEL(void, cross_run, (const CrossArgs& args));

namespace NDL_ISA {

// One component of a x b: u and v are the components that follow it in the cycle 0, 1, 2.
template <class T>
NDL_HD T cross_component(T a_u, T a_v, T b_u, T b_v) {
  return a_u * b_v - a_v * b_u;
}

}  // namespace NDL_ISA
}  // namespace needlecpp
