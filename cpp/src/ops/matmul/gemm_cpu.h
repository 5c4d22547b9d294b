// The matrix product on raw memory, for what other ops run on the CPU.
#pragma once

#include <cstdint>

namespace needlecpp::cpu {

// c = a b, or c += a b with `accumulate`. Strides are in elements and may be anything, zero and negative too; columns
// of c are adjacent and its rows do not overlap. Uses all threads unless called from a parallel region; the result
// does not depend on their number.
void gemm(int64_t m, int64_t n, int64_t k,                     //
          const float* a, int64_t a_row, int64_t a_col,        // [m, k]
          const float* b, int64_t b_row, int64_t b_col,        // [k, n]
          float* c, int64_t c_row, bool accumulate = false);   // [m, n]
void gemm(int64_t m, int64_t n, int64_t k,                     //
          const double* a, int64_t a_row, int64_t a_col,       // [m, k]
          const double* b, int64_t b_row, int64_t b_col,       // [k, n]
          double* c, int64_t c_row, bool accumulate = false);  // [m, n]

}  // namespace needlecpp::cpu
