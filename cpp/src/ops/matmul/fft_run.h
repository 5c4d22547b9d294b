// Fourier transforms of many lines of memory, for the ops of fft.cpp.
#pragma once

#include <cstdint>
#include <functional>

namespace needlecpp {

// One side of a transform: lines of numbers `axis` apart. `part`: from a real to its imaginary part, 0 for real lines.
template <class T>
struct FftSide {
  T* data;
  int64_t axis, part;
  int64_t size;  // numbers that are there
  bool half;     // of a line whose second half is the first, conjugated and backwards: n / 2 + 1 numbers are enough
};

// to = scale times the sum over k < n of from[k] exp(-+2 pi i j k / n) for every j < min(n, to.size), + if `inverse`;
// `from` is cut or filled with zeros to n numbers, or from.half to n / 2 + 1. `offsets(line)` says where a line begins
// on both sides. Lines are shared among the threads; the result does not depend on their number.
template <class T>
void fft_lines(int64_t n, bool inverse, T scale, int64_t lines, const FftSide<T>& from, const FftSide<T>& to,
               const std::function<void(int64_t line, int64_t& from, int64_t& to)>& offsets);

}  // namespace needlecpp
