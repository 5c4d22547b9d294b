// Threads. OpenMP lives behind these functions alone; kernels are serial.
#pragma once

#include <cstdint>
#include <type_traits>

namespace needlecpp {

int num_threads();
void set_num_threads(int count);  // throws ValueError below 1

// The instruction set kernels run on: "baseline", "avx2", "avx512", or "avx512+vdpbf16ps" where that instruction
// computes products of bfloat16 numbers (elsewhere they are computed as float32, with the same numbers). Picked at
// load; the environment variables NEEDLECPP_ISA (baseline, avx2, avx512) and NEEDLECPP_BF16 (float32, vdpbf16ps) choose
// otherwise.
const char* isa_name();

namespace detail {
using RangeFn = void (*)(void* context, int64_t begin, int64_t end);
void run_ranges(int64_t count, int64_t grain, RangeFn run, void* context);
void run_tasks(int64_t count, RangeFn run, void* context);
}  // namespace detail

// Calls body(begin, end) on disjoint ranges that cover [0, count), each at least `grain` long unless there is one
// only. Ranges are equal shares of the threads, so results that depend on the split depend on num_threads() alone.
// An exception from a body is rethrown here. Nested calls run serially.
template <class Body>
void parallel_for(int64_t count, int64_t grain, Body&& body) {
  if (count <= 0) return;
  if (count <= grain) {
    body(int64_t{0}, count);
    return;
  }
  using Fn = std::remove_reference_t<Body>;
  detail::run_ranges(
      count, grain, [](void* context, int64_t begin, int64_t end) { (*static_cast<Fn*>(context))(begin, end); },
      const_cast<void*>(static_cast<const void*>(&body)));
}

// Calls body(task) for every task in [0, count); idle threads take the next task, so tasks may differ in length.
template <class Body>
void parallel_tasks(int64_t count, Body&& body) {
  if (count <= 0) return;
  using Fn = std::remove_reference_t<Body>;
  detail::run_tasks(
      count, [](void* context, int64_t task, int64_t) { (*static_cast<Fn*>(context))(task); },
      const_cast<void*>(static_cast<const void*>(&body)));
}

}  // namespace needlecpp
