// Fourier transforms of lines: plans, blocks, and the two algorithms.
//
// A length whose prime factors are 2, 3, 5 and 7 takes Stockham's algorithm: one pass a factor between two buffers, in
// natural order throughout (Van Loan, Computational Frameworks for the Fast Fourier Transform, 1992). Any other length
// n becomes a convolution with the chirp exp(i pi k^2 / n) of a length that is such a product (Bluestein 1970).
//
// Up to kFftLanes lines make a block, which is loaded from any strides into two buffers, real and imaginary parts
// apart, and stored again afterwards. Vectors run along the lanes and the stride of a pass at once, so that one long
// line fills them too after its first passes. The inverse is the same transform with the two parts exchanged.
#include <algorithm>
#include <cmath>
#include <memory>
#include <mutex>
#include <vector>

#include "needlecpp/core/parallel.h"
#include "ops/matmul/fft_kernels.h"
#include "ops/matmul/fft_run.h"
#include "ops/plumbing/scratch.h"
#include "ops/plumbing/strided.h"

namespace needlecpp::cpu {
namespace {

constexpr int64_t kBlockNumbers = 1 << 15;  // of a block that has several lanes
constexpr int64_t kSharedPass = 1 << 16;    // numbers from which the threads share one pass
constexpr int64_t kPlansKept = 16, kNumbersKept = 1 << 21;

// The factors of n, empty if one is larger than 7.
std::vector<int> radices_of(int64_t n) {
  std::vector<int> radices;
  for (int radix : {4, 2, 3, 5, 7})
    for (; n % radix == 0; n /= radix) radices.push_back(radix);
  if (n > 1) radices.clear();
  return radices;
}
bool is_smooth(int64_t n) { return n == 1 || !radices_of(n).empty(); }

// cos and sin of 2 pi k / n, from an angle of at most an eighth of a turn.
void turn(int64_t k, int64_t n, double& cosine, double& sine) {
  int64_t eighth = 8 * k / n;
  const double full = 6.283185307179586476925286766559;
  // The multiple of a quarter turn nearest to the angle, and the rest.
  const int64_t quarter = (eighth + 1) / 2;
  const double rest = full * (static_cast<double>(4 * k - quarter * n) / (4 * static_cast<double>(n)));
  const double c = std::cos(rest), s = std::sin(rest);
  cosine = quarter % 4 == 0 ? c : quarter % 4 == 1 ? -s : quarter % 4 == 2 ? -c : s;
  sine = quarter % 4 == 0 ? s : quarter % 4 == 1 ? c : quarter % 4 == 2 ? -s : -c;
}

// Two buffers of a block, each with real and imaginary parts.
template <class T>
struct Buffers {
  T *re, *im, *other_re, *other_im;
  void swap() {
    std::swap(re, other_re);
    std::swap(im, other_im);
  }
};

// Runs body(begin, end) over [0, count): by all threads where the block is large.
template <class Body>
void share(bool shared, int64_t count, Body&& body) {
  if (shared)
    parallel_for(count, std::max<int64_t>(1, count / (4 * num_threads())), body);
  else
    body(int64_t{0}, count);
}

template <class T>
class Plan {
 public:
  explicit Plan(int64_t n);
  // Transforms a block, forwards; the result lies in b.re and b.im.
  void run(int64_t lanes, Buffers<T>& b) const;
  int64_t n() const { return n_; }
  int64_t rows() const { return inner_ ? inner_->n_ : n_; }  // that the buffers need

 private:
  int64_t n_;
  std::vector<int> radices_;
  std::vector<T> cosines_, sines_;  // [n]
  // Bluestein: the convolution's length, the chirp [n], and the transform of its conjugate over that length.
  std::shared_ptr<const Plan> inner_;
  std::vector<T> chirp_re_, chirp_im_, spectrum_re_, spectrum_im_;
};

template <class T>
Plan<T>::Plan(int64_t n) : n_(n), radices_(radices_of(n)) {
  const auto table = [](int64_t count) { return std::vector<T>(static_cast<size_t>(count)); };
  double c, s;
  if (is_smooth(n)) {
    cosines_ = table(n);
    sines_ = table(n);
    for (int64_t k = 0; k < n; ++k) {
      turn(k, n, c, s);
      cosines_[static_cast<size_t>(k)] = static_cast<T>(c);
      sines_[static_cast<size_t>(k)] = static_cast<T>(s);
    }
    return;
  }
  int64_t length = 2 * n - 1;
  while (!is_smooth(length)) ++length;
  inner_ = std::make_shared<const Plan>(length);
  chirp_re_ = table(n);
  chirp_im_ = table(n);
  const Scratch<T> memory(4 * length);
  T* at = memory.data();
  Buffers<T> b = {at, at + length, at + 2 * length, at + 3 * length};
  std::fill_n(at, 2 * length, T{0});
  int64_t square = 0;  // k^2 modulo 2 n
  for (int64_t k = 0; k < n; ++k) {
    turn(square, 2 * n, c, s);
    chirp_re_[static_cast<size_t>(k)] = static_cast<T>(c);
    chirp_im_[static_cast<size_t>(k)] = static_cast<T>(-s);
    for (int64_t i : {k, (length - k) % length}) {
      b.re[i] = static_cast<T>(c);
      b.im[i] = static_cast<T>(s);
    }
    square = (square + 2 * k + 1) % (2 * n);
  }
  inner_->run(1, b);
  const T scale = T{1} / static_cast<T>(length);
  spectrum_re_.assign(b.re, b.re + length);
  spectrum_im_.assign(b.im, b.im + length);
  for (T& value : spectrum_re_) value *= scale;
  for (T& value : spectrum_im_) value *= scale;
}

template <class T>
void Plan<T>::run(int64_t lanes, Buffers<T>& b) const {
  if (inner_) {
    const int64_t length = inner_->n_;
    NDL_KERNEL(fft_multiply<T>)({b.re, b.im, lanes, n_, chirp_re_.data(), chirp_im_.data()});
    std::fill(b.re + n_ * lanes, b.re + length * lanes, T{0});
    std::fill(b.im + n_ * lanes, b.im + length * lanes, T{0});
    inner_->run(lanes, b);
    NDL_KERNEL(fft_multiply<T>)({b.re, b.im, lanes, length, spectrum_re_.data(), spectrum_im_.data()});
    Buffers<T> turned = {b.im, b.re, b.other_im, b.other_re};
    inner_->run(lanes, turned);
    b = {turned.im, turned.re, turned.other_im, turned.other_re};
    NDL_KERNEL(fft_multiply<T>)({b.re, b.im, lanes, n_, chirp_re_.data(), chirp_im_.data()});
    return;
  }
  const bool shared = n_ * lanes >= kSharedPass;
  int64_t length = n_, stride = 1;
  for (int radix : radices_) {
    const FftPassArgs<T> args = {radix,  length, stride * lanes, cosines_.data(), sines_.data(),
                                 stride, b.re,   b.im,           b.other_re,      b.other_im};
    const int64_t m = length / radix, across = stride * lanes;
    if (m >= across)
      share(shared, m, [&](int64_t begin, int64_t end) { NDL_KERNEL(fft_pass<T>)(args, begin, end, 0, across); });
    else
      share(shared, across, [&](int64_t begin, int64_t end) { NDL_KERNEL(fft_pass<T>)(args, 0, m, begin, end); });
    b.swap();
    length = m;
    stride *= radix;
  }
}

// The plan of a length. The last one is kept, and those before it as long as they are few and small.
template <class T>
std::shared_ptr<const Plan<T>> plan_of(int64_t n) {
  static std::mutex mutex;
  static std::vector<std::shared_ptr<const Plan<T>>>& plans = *new std::vector<std::shared_ptr<const Plan<T>>>();
  {
    const std::lock_guard lock(mutex);
    for (auto it = plans.begin(); it != plans.end(); ++it)
      if ((*it)->n() == n) {
        std::rotate(plans.begin(), it, it + 1);
        return plans.front();
      }
  }
  auto plan = std::make_shared<const Plan<T>>(n);
  const std::lock_guard lock(mutex);
  plans.insert(plans.begin(), plan);
  const auto total = [] {
    int64_t numbers = 0;
    for (const auto& one : plans) numbers += one->rows();
    return numbers;
  };
  while (plans.size() > 1 && (static_cast<int64_t>(plans.size()) > kPlansKept || total() > kNumbersKept))
    plans.pop_back();
  return plan;
}

// One side of a transform: lines of numbers `axis` apart, real ones or `pairs`, whose parts stand `part` apart.
template <class T>
struct Side {
  T* data;
  int64_t axis, part;
  bool pairs;
  int64_t size;  // numbers that are there
};

// All lines, which begin where `loop` says on both sides. `half`: from n / 2 + 1 numbers.
template <class T>
void transform(int64_t n, bool inverse, bool half, T scale, const StridedLoop<2>& loop, const Side<T>& from,
               const Side<T>& to) {
  const int64_t lines = loop.count;
  if (n == 0 || lines == 0) return;
  const auto plan = plan_of<T>(n);
  const int64_t rows = plan->rows();
  const int64_t lanes = std::clamp<int64_t>(kBlockNumbers / rows, 1, std::min(kFftLanes, lines));
  const int64_t blocks = (lines + lanes - 1) / lanes;
  const auto run = [&](int64_t begin, int64_t end) {
    const Scratch<T> memory(4 * rows * lanes);
    int64_t from_at[kFftLanes], to_at[kFftLanes];
    for (int64_t block = begin; block < end; ++block) {
      const int64_t width = std::min(lanes, lines - block * lanes), size = rows * width;
      for (int64_t l = 0; l < width; ++l) {
        const auto at = loop.offsets(block * lanes + l);
        from_at[l] = at[0];
        to_at[l] = at[1];
      }
      T* at = memory.data();
      Buffers<T> b = {at, at + size, at + 2 * size, at + 3 * size};
      const int64_t there = std::min(from.size, half ? n / 2 + 1 : n);
      NDL_KERNEL(fft_load<T>)({b.re, b.im, width, from.data, from_at, from.axis, from.part, from.pairs, there});
      std::fill(b.re + there * width, b.re + n * width, T{0});
      std::fill(b.im + there * width, b.im + n * width, T{0});
      if (half) {
        // What has no partner is real.
        std::fill_n(b.im, width, T{0});
        if (n % 2 == 0) std::fill_n(b.im + n / 2 * width, width, T{0});
        for (int64_t i = n / 2 + 1; i < n; ++i)
          for (int64_t l = 0; l < width; ++l) {
            b.re[i * width + l] = b.re[(n - i) * width + l];
            b.im[i * width + l] = -b.im[(n - i) * width + l];
          }
      }
      if (inverse) b = {b.im, b.re, b.other_im, b.other_re};
      plan->run(width, b);
      if (inverse) std::swap(b.re, b.im);
      NDL_KERNEL(fft_store<T>)
      ({b.re, b.im, width, to.data, to_at, to.axis, to.part, to.pairs, std::min(n, to.size)}, scale);
    }
  };
  if (blocks < num_threads() && rows * lanes >= kSharedPass)
    run(0, blocks);
  else
    parallel_for(blocks, std::max<int64_t>(1, kBlockNumbers / (rows * lanes)), run);
}

}  // namespace

void run_fft(const FftCall& call, const View& x, const View& y) {
  const bool from_pairs = call.kind != FftKind::ToHalf, to_pairs = call.kind != FftKind::FromHalf;
  // What both share: the axes beside the transform's and the pair.
  Shape others;
  Strides from, to;
  for (int i = 0; i < x.rank - (from_pairs ? 1 : 0); ++i) {
    if (i == call.axis) continue;
    others.push_back(x.size[i]);
    from.push_back(x.stride[i]);
    to.push_back(y.stride[i]);
  }
  const StridedLoop<2> loop = make_loop<2>(others, {from, to});
  const auto side = [&]<class T>(const View& view, bool pairs, T) {
    return Side<T>{data<T>(view), view.stride[call.axis], view.stride[view.rank - 1], pairs, view.size[call.axis]};
  };
  NDL_ISA::with_float(x.element, [&]<class T>(T zero) {
    transform<T>(call.n, call.inverse, call.kind == FftKind::FromHalf, static_cast<T>(call.scale), loop,
                 side(x, from_pairs, zero), side(y, to_pairs, zero));
  });
}

}  // namespace needlecpp::cpu
