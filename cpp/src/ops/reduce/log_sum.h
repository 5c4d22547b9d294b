// What losses need of softmax.cpp: log(sum(exp(x))) in two parts, since beside large x their sum has no digits left.
#pragma once

#include "needlecpp/core/tensor.h"

namespace needlecpp {

struct LogSum {
  Tensor top;   // [rows], the largest of a row, 0 if that is infinite
  Tensor rest;  // [rows], log(sum(exp(x - top)))
};
// x [rows, length], length at least 1, float32 or float64; off the tape.
LogSum log_sum_of_rows(const Tensor& x);

}  // namespace needlecpp
