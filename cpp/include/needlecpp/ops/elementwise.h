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
// floor(a / b) and a / b rounded towards zero, derivatives 0; integers by zero give 0.
Tensor floor_divide(const Tensor& a, const Tensor& b);
Tensor trunc_divide(const Tensor& a, const Tensor& b);
Tensor remainder(const Tensor& a, const Tensor& b);  // a - b floor(a / b): the sign of b
Tensor fmod(const Tensor& a, const Tensor& b);       // a - b trunc(a / b): the sign of a
// d/da = b a^(b-1), d/db = a^b log a. Integers have no negative powers.
Tensor pow(const Tensor& a, const Tensor& b);
Tensor float_power(const Tensor& a, const Tensor& b);  // in float64
Tensor maximum(const Tensor& a, const Tensor& b);      // NaN wins; ties give each side half the gradient
Tensor minimum(const Tensor& a, const Tensor& b);
Tensor fmax(const Tensor& a, const Tensor& b);  // a number wins over NaN; ties give a the gradient
Tensor fmin(const Tensor& a, const Tensor& b);
Tensor addcmul(const Tensor& x, const Tensor& a, const Tensor& b, double value = 1);  // x + value a b
Tensor addcdiv(const Tensor& x, const Tensor& a, const Tensor& b, double value = 1);  // x + value a / b
Tensor lerp(const Tensor& a, const Tensor& b, const Tensor& weight);                  // a + weight (b - a)
Tensor lerp(const Tensor& a, const Tensor& b, double weight);
// The same with a number on one side; the number never changes a floating dtype.
Tensor add(const Tensor& a, double b);
Tensor sub(const Tensor& a, double b);
Tensor sub(double a, const Tensor& b);
Tensor mul(const Tensor& a, double b);
Tensor div(const Tensor& a, double b);
Tensor div(double a, const Tensor& b);
Tensor pow(const Tensor& a, double exponent);

Tensor neg(const Tensor& x);
Tensor positive(const Tensor& x);  // x itself
Tensor abs(const Tensor& x);       // derivative sign(x), 0 at 0
Tensor sign(const Tensor& x);      // derivative 0
Tensor square(const Tensor& x);
Tensor sqrt(const Tensor& x);
Tensor rsqrt(const Tensor& x);  // 1 / sqrt(x)
Tensor reciprocal(const Tensor& x);
Tensor exp(const Tensor& x);
Tensor exp2(const Tensor& x);
Tensor expm1(const Tensor& x);  // exp(x) - 1, precise near 0
Tensor log(const Tensor& x);
Tensor log2(const Tensor& x);
Tensor log10(const Tensor& x);
Tensor log1p(const Tensor& x);  // log(1 + x), precise near 0
Tensor sin(const Tensor& x);
Tensor cos(const Tensor& x);
Tensor tan(const Tensor& x);
Tensor asin(const Tensor& x);
Tensor acos(const Tensor& x);
Tensor atan(const Tensor& x);
Tensor sinh(const Tensor& x);
Tensor cosh(const Tensor& x);
Tensor tanh(const Tensor& x);
Tensor asinh(const Tensor& x);
Tensor acosh(const Tensor& x);
Tensor atanh(const Tensor& x);
Tensor sinc(const Tensor& x);                        // sin(pi x) / (pi x), 1 at 0
Tensor atan2(const Tensor& a, const Tensor& b);      // the angle of the point (b, a); derivatives 0 at the origin
Tensor hypot(const Tensor& a, const Tensor& b);      // sqrt(a^2 + b^2) without overflow
Tensor copysign(const Tensor& a, const Tensor& b);   // |a| with the sign of b, -0 included
Tensor logaddexp(const Tensor& a, const Tensor& b);  // log(exp(a) + exp(b))
Tensor xlogy(const Tensor& a, const Tensor& b);      // a log(b), 0 for a = 0
// The next number of the dtype after a in the direction of b; it moves along with a.
Tensor nextafter(const Tensor& a, const Tensor& b);
Tensor erf(const Tensor& x);                     // 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x
Tensor erfc(const Tensor& x);                    // 1 - erf(x)
Tensor erfinv(const Tensor& x);                  // inverse of erf
Tensor lgamma(const Tensor& x);                  // log |Gamma(x)|
Tensor digamma(const Tensor& x);                 // derivative of lgamma
Tensor trigamma(const Tensor& x);                // derivative of digamma; not differentiable itself
Tensor logit(const Tensor& x, double eps = -1);  // log(x / (1 - x)), x limited to [eps, 1 - eps] for eps >= 0
Tensor floor(const Tensor& x);                   // derivative 0, as for the next four
Tensor ceil(const Tensor& x);
Tensor trunc(const Tensor& x);
Tensor round(const Tensor& x);  // halves to even
Tensor round(const Tensor& x, int decimals);
// NaN and the infinities replaced; derivative 0 there.
Tensor nan_to_num(const Tensor& x, double nan, double posinf, double neginf);
double largest_finite(DType dtype);  // of a floating type

// Activations; more of them are in activation.h.
Tensor sigmoid(const Tensor& x);   // 1 / (1 + exp(-x))
Tensor relu(const Tensor& x);      // max(x, 0), derivative 0 at 0
Tensor softplus(const Tensor& x);  // log(1 + exp(x)), stable
// exp(x) whose derivative uses exp(clamp(x, -15, 15)): the density activation of Instant-NGP.
Tensor trunc_exp(const Tensor& x);

// min(max(x, low), high): derivative 1 inside and at the bounds, 0 outside, where a bound that is a tensor gets it. The
// form with tensors takes undefined ones as no bound.
Tensor clamp(const Tensor& x, double low, double high);
Tensor clamp(const Tensor& x, const Tensor& low, const Tensor& high);
// condition ? a : b; condition is bool and broadcasts too.
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);
Tensor masked_fill(const Tensor& x, const Tensor& mask, const Tensor& value);  // mask ? value : x, of x's dtype

// Comparisons give bool and have no derivative. An integer beside a float is compared in float64.
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
Tensor isfinite(const Tensor& x);
Tensor isinf(const Tensor& x);
Tensor signbit(const Tensor& x);  // of -0 and of NaN, too
Tensor logical_not(const Tensor& x);
Tensor logical_and(const Tensor& a, const Tensor& b);
Tensor logical_or(const Tensor& a, const Tensor& b);
Tensor logical_xor(const Tensor& a, const Tensor& b);

// Bits of integers; the first four take bool, too. A shift by 64 or more, or by less than 0, shifts everything out.
Tensor bitwise_and(const Tensor& a, const Tensor& b);
Tensor bitwise_or(const Tensor& a, const Tensor& b);
Tensor bitwise_xor(const Tensor& a, const Tensor& b);
Tensor bitwise_not(const Tensor& x);
Tensor bitwise_left_shift(const Tensor& a, const Tensor& b);
Tensor bitwise_right_shift(const Tensor& a, const Tensor& b);

// Converts the dtype (differentiable between floating dtypes). Returns x itself when nothing changes.
Tensor cast(const Tensor& x, DType dtype);
// The same for `op`, whose results are no integers: TypeError where the dtype is not a floating one.
Tensor cast_to_floating(const char* op, const Tensor& x, DType dtype);
// A contiguous copy, or x itself if it is contiguous already.
Tensor contiguous(const Tensor& x);
Tensor clone(const Tensor& x);
// A do-nothing op: the smallest complete example of an op, see CONTRIBUTING.md.
Tensor identity(const Tensor& x);

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
