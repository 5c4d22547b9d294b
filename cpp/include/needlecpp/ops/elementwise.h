// Elementwise ops: y[i] = f(a[i], b[i], ...) with NumPy broadcasting, any strides, any dtype. All differentiable unless
// said otherwise; derivatives are written in these same ops, so higher derivatives exist.
#pragma once

#include "needlecpp/core/tensor.h"

namespace needlecpp {

// Arithmetic. Two dtypes are promoted first; div of integers gives float32.
Tensor add(const Tensor& a, const Tensor& b);
Tensor sub(const Tensor& a, const Tensor& b);
Tensor mul(const Tensor& a, const Tensor& b);
Tensor div(const Tensor& a, const Tensor& b);
Tensor pow(const Tensor& a, const Tensor& b);      // d/da = b a^(b-1), d/db = a^b log a
Tensor maximum(const Tensor& a, const Tensor& b);  // NaN wins; ties give each side half the gradient
Tensor minimum(const Tensor& a, const Tensor& b);
// The same with a number on one side; the number never changes a floating dtype.
Tensor add(const Tensor& a, double b);
Tensor sub(const Tensor& a, double b);
Tensor sub(double a, const Tensor& b);
Tensor mul(const Tensor& a, double b);
Tensor div(const Tensor& a, double b);
Tensor div(double a, const Tensor& b);
Tensor pow(const Tensor& a, double exponent);

Tensor neg(const Tensor& x);
Tensor abs(const Tensor& x);   // derivative sign(x), 0 at 0
Tensor sign(const Tensor& x);  // derivative 0
Tensor exp(const Tensor& x);
Tensor log(const Tensor& x);
Tensor sqrt(const Tensor& x);
Tensor rsqrt(const Tensor& x);  // 1 / sqrt(x)
Tensor sin(const Tensor& x);
Tensor cos(const Tensor& x);
Tensor tanh(const Tensor& x);
Tensor sigmoid(const Tensor& x);   // 1 / (1 + exp(-x))
Tensor relu(const Tensor& x);      // max(x, 0), derivative 0 at 0
Tensor softplus(const Tensor& x);  // log(1 + exp(x)), stable
// exp(x) whose derivative uses exp(clamp(x, -15, 15)): the density activation of Instant-NGP.
Tensor trunc_exp(const Tensor& x);
Tensor square(const Tensor& x);
Tensor clamp(const Tensor& x, double low, double high);  // derivative 1 inside and at the bounds, 0 outside
// condition ? a : b; condition is bool and broadcasts too.
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);

// Comparisons give bool and have no derivative.
Tensor eq(const Tensor& a, const Tensor& b);
Tensor ne(const Tensor& a, const Tensor& b);
Tensor lt(const Tensor& a, const Tensor& b);
Tensor le(const Tensor& a, const Tensor& b);
Tensor gt(const Tensor& a, const Tensor& b);
Tensor ge(const Tensor& a, const Tensor& b);
Tensor lt(const Tensor& a, double b);
Tensor le(const Tensor& a, double b);
Tensor gt(const Tensor& a, double b);
Tensor ge(const Tensor& a, double b);
Tensor eq(const Tensor& a, double b);
Tensor ne(const Tensor& a, double b);
Tensor isnan(const Tensor& x);
Tensor logical_not(const Tensor& x);
Tensor logical_and(const Tensor& a, const Tensor& b);
Tensor logical_or(const Tensor& a, const Tensor& b);

// Converts the dtype (differentiable between floating dtypes). Returns x itself when nothing changes.
Tensor cast(const Tensor& x, DType dtype);
// A contiguous copy, or x itself if it is contiguous already.
Tensor contiguous(const Tensor& x);
Tensor clone(const Tensor& x);
// A do-nothing op: the smallest complete example of an op, see CONTRIBUTING.md.
Tensor identity(const Tensor& x);

// In place, off the tape (see check_inplace); they advance the version.
void copy_(const Tensor& target, const Tensor& source);  // broadcasts and casts source
void fill_(const Tensor& target, double value);
void add_(const Tensor& target, const Tensor& source, double scale = 1);  // target += scale * source
void mul_(const Tensor& target, double factor);

inline Tensor operator+(const Tensor& a, const Tensor& b) { return add(a, b); }
inline Tensor operator-(const Tensor& a, const Tensor& b) { return sub(a, b); }
inline Tensor operator*(const Tensor& a, const Tensor& b) { return mul(a, b); }
inline Tensor operator/(const Tensor& a, const Tensor& b) { return div(a, b); }
inline Tensor operator+(const Tensor& a, double b) { return add(a, b); }
inline Tensor operator-(const Tensor& a, double b) { return sub(a, b); }
inline Tensor operator*(const Tensor& a, double b) { return mul(a, b); }
inline Tensor operator/(const Tensor& a, double b) { return div(a, b); }
inline Tensor operator+(double a, const Tensor& b) { return add(b, a); }
inline Tensor operator-(double a, const Tensor& b) { return sub(a, b); }
inline Tensor operator*(double a, const Tensor& b) { return mul(b, a); }
inline Tensor operator/(double a, const Tensor& b) { return div(a, b); }
inline Tensor operator-(const Tensor& x) { return neg(x); }

}  // namespace needlecpp
