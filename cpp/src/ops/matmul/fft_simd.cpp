// Fourier transforms: one butterfly for each radix, on vectors of neighbouring numbers (lanes and strides alike).
#include "ops/matmul/fft_kernels.h"
#include "simd/vec.h"

namespace needlecpp::NDL_ISA {
namespace {

template <class V>
struct Complex {
  V re, im;
};
template <class V>
NDL_HD Complex<V> operator+(Complex<V> a, Complex<V> b) {
  return {a.re + b.re, a.im + b.im};
}
template <class V>
NDL_HD Complex<V> operator-(Complex<V> a, Complex<V> b) {
  return {a.re - b.re, a.im - b.im};
}
template <class V>
NDL_HD Complex<V> times_minus_i(Complex<V> a) {
  return {a.im, -a.re};
}

// cos and sin of 2 pi k / R for k = 1 ... (R - 1) / 2.
template <int R>
struct Roots;
template <>
struct Roots<3> {
  static constexpr double cosine[] = {-0.5}, sine[] = {0.86602540378443864676};
};
template <>
struct Roots<5> {
  static constexpr double cosine[] = {0.30901699437494742410, -0.80901699437494742410},
                          sine[] = {0.95105651629515357212, 0.58778525229247312917};
};
template <>
struct Roots<7> {
  static constexpr double cosine[] = {0.62348980185873353053, -0.22252093395631440429, -0.90096886790241912624},
                          sine[] = {0.78183148246802980871, 0.97492791218182360702, 0.43388373911755812048};
};

// y[j] = sum of a[k] exp(-2 pi i j k / R), in place.
template <int R, class T, class V>
NDL_HD void butterfly(Complex<V>* a) {
  if constexpr (R == 2) {
    const Complex<V> sum = a[0] + a[1];
    a[1] = a[0] - a[1];
    a[0] = sum;
  } else if constexpr (R == 4) {
    const Complex<V> even = a[0] + a[2], odd = a[1] + a[3], first = a[0] - a[2], turned = times_minus_i(a[1] - a[3]);
    a[0] = even + odd;
    a[1] = first + turned;
    a[2] = even - odd;
    a[3] = first - turned;
  } else {
    // Pairs a[k], a[R - k] share their cosines and, but for the sign, their sines.
    constexpr int kHalf = (R - 1) / 2;
    Complex<V> sum[kHalf], gap[kHalf];
    const Complex<V> zero = a[0];
#pragma GCC unroll 3
    for (int k = 0; k < kHalf; ++k) {
      sum[k] = a[k + 1] + a[R - 1 - k];
      gap[k] = times_minus_i(a[k + 1] - a[R - 1 - k]);
      a[0] = a[0] + sum[k];
    }
#pragma GCC unroll 3
    for (int j = 1; j <= kHalf; ++j) {
      Complex<V> even = zero, odd = {};
#pragma GCC unroll 3
      for (int k = 1; k <= kHalf; ++k) {
        const int at = j * k % R, near = at > kHalf ? R - at : at;
        const T c = static_cast<T>(Roots<R>::cosine[near - 1]);
        const T s = static_cast<T>(at > kHalf ? -Roots<R>::sine[near - 1] : Roots<R>::sine[near - 1]);
        even.re += c * sum[k - 1].re;
        even.im += c * sum[k - 1].im;
        odd.re += s * gap[k - 1].re;
        odd.im += s * gap[k - 1].im;
      }
      a[j] = even + odd;
      a[R - j] = even - odd;
    }
  }
}

template <int R, class T>
NDL_HD void pass(const FftPassArgs<T>& args, int64_t begin, int64_t end, int64_t first, int64_t last) {
  using V = typename VecOf<T>::Type;
  constexpr int64_t kWidth = VecTraits<V>::lanes;
  const int64_t m = args.length / R, stride = args.stride;
  for (int64_t p = begin; p < end; ++p) {
    T c[R], s[R];
    for (int j = 1; j < R; ++j) {
      c[j] = args.cosines[j * p * args.step];
      s[j] = args.sines[j * p * args.step];
    }
    const T* re = args.re + stride * p;
    const T* im = args.im + stride * p;
    T* out_re = args.out_re + stride * R * p;
    T* out_im = args.out_im + stride * R * p;
    for (int64_t q = first; q < last; q += kWidth) {
      const int64_t count = last - q < kWidth ? last - q : kWidth;
      Complex<V> a[R];
#pragma GCC unroll 7
      for (int k = 0; k < R; ++k)
        a[k] = {load_lanes<V>(re + q + stride * m * k, count), load_lanes<V>(im + q + stride * m * k, count)};
      butterfly<R, T>(a);
      store_lanes(out_re + q, a[0].re, count);
      store_lanes(out_im + q, a[0].im, count);
#pragma GCC unroll 6
      for (int j = 1; j < R; ++j) {
        store_lanes(out_re + q + stride * j, a[j].re * c[j] + a[j].im * s[j], count);
        store_lanes(out_im + q + stride * j, a[j].im * c[j] - a[j].re * s[j], count);
      }
    }
  }
}

}  // namespace

template <class T>
void fft_pass(const FftPassArgs<T>& args, int64_t begin, int64_t end, int64_t first, int64_t last) {
  switch (args.radix) {
    case 2:
      return pass<2>(args, begin, end, first, last);
    case 3:
      return pass<3>(args, begin, end, first, last);
    case 4:
      return pass<4>(args, begin, end, first, last);
    case 5:
      return pass<5>(args, begin, end, first, last);
    case 7:
      return pass<7>(args, begin, end, first, last);
  }
}

template <class T>
void fft_load(const FftMoveArgs<T>& args) {
  for (int64_t i = 0; i < args.count; ++i) {
    T* re = args.re + i * args.lanes;
    T* im = args.im + i * args.lanes;
    for (int64_t l = 0; l < args.lanes; ++l) {
      const T* x = args.x + args.offsets[l] + i * args.axis;
      re[l] = x[0];
      im[l] = args.pairs ? x[args.part] : 0;
    }
  }
}

template <class T>
void fft_store(const FftMoveArgs<T>& args, T scale) {
  for (int64_t i = 0; i < args.count; ++i) {
    const T* re = args.re + i * args.lanes;
    const T* im = args.im + i * args.lanes;
    for (int64_t l = 0; l < args.lanes; ++l) {
      T* x = args.x + args.offsets[l] + i * args.axis;
      x[0] = scale * re[l];
      if (args.pairs) x[args.part] = scale * im[l];
    }
  }
}

template <class T>
void fft_multiply(const FftMultiplyArgs<T>& args) {
  for (int64_t i = 0; i < args.count; ++i) {
    T* re = args.re + i * args.lanes;
    T* im = args.im + i * args.lanes;
    const T c = args.table_re[i], s = args.table_im[i];
    for (int64_t l = 0; l < args.lanes; ++l) {
      const T x = re[l], y = im[l];
      re[l] = x * c - y * s;
      im[l] = x * s + y * c;
    }
  }
}

template void fft_pass(const FftPassArgs<float>&, int64_t, int64_t, int64_t, int64_t);
template void fft_pass(const FftPassArgs<double>&, int64_t, int64_t, int64_t, int64_t);
template void fft_load(const FftMoveArgs<float>&);
template void fft_load(const FftMoveArgs<double>&);
template void fft_store(const FftMoveArgs<float>&, float);
template void fft_store(const FftMoveArgs<double>&, double);
template void fft_multiply(const FftMultiplyArgs<float>&);
template void fft_multiply(const FftMultiplyArgs<double>&);

}  // namespace needlecpp::NDL_ISA
