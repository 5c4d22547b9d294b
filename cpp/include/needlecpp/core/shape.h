// Dims: a small fixed-capacity list of sizes or strides, and the arithmetic of shapes.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "needlecpp/core/error.h"

namespace needlecpp {

inline constexpr int kMaxRank = 12;

// Up to kMaxRank integers without heap memory: a shape, strides (in elements) or a list of axes.
class Dims {
 public:
  Dims() = default;
  Dims(std::initializer_list<int64_t> values) {
    for (int64_t value : values) push_back(value);
  }
  explicit Dims(const std::vector<int64_t>& values) {
    for (int64_t value : values) push_back(value);
  }
  static Dims filled(int count, int64_t value) {
    Dims dims;
    for (int i = 0; i < count; ++i) dims.push_back(value);
    return dims;
  }

  int size() const { return count_; }
  bool empty() const { return count_ == 0; }
  int64_t operator[](int i) const { return values_[i]; }
  int64_t& operator[](int i) { return values_[i]; }
  int64_t back() const { return values_[count_ - 1]; }
  int64_t& back() { return values_[count_ - 1]; }
  const int64_t* begin() const { return values_; }
  const int64_t* end() const { return values_ + count_; }
  int64_t* begin() { return values_; }
  int64_t* end() { return values_ + count_; }

  void push_back(int64_t value) {
    NDL_CHECK(count_ < kMaxRank, ValueError, "shape", "too many dimensions: got more than ", kMaxRank,
              ", expected at most ", kMaxRank, ". Reshape to fewer axes.");
    values_[count_++] = value;
  }
  void resize(int count) { count_ = count; }  // of at most kMaxRank; new entries are whatever they were
  void insert(int at, int64_t value) {
    push_back(value);
    for (int i = count_ - 1; i > at; --i) values_[i] = values_[i - 1];
    values_[at] = value;
  }
  void erase(int at) {
    for (int i = at; i + 1 < count_; ++i) values_[i] = values_[i + 1];
    --count_;
  }
  bool operator==(const Dims& other) const {
    if (count_ != other.count_) return false;
    for (int i = 0; i < count_; ++i)
      if (values_[i] != other.values_[i]) return false;
    return true;
  }
  std::vector<int64_t> to_vector() const { return {begin(), end()}; }

 private:
  int count_ = 0;
  int64_t values_[kMaxRank];
};

using Shape = Dims;
using Strides = Dims;

std::string to_string(const Dims& dims);  // "(2, 3)"
std::ostream& operator<<(std::ostream& stream, const Dims& dims);

// Product of the sizes; throws ValueError for a negative size or a product beyond 2^62.
int64_t numel(const Shape& shape);
Strides contiguous_strides(const Shape& shape);
void set_contiguous(const Shape& shape, Strides& strides);  // the same, in place
// The shape both broadcast to (NumPy's rule); throws ValueError naming `op` when there is none.
Shape broadcast_shapes(const char* op, const Shape& a, const Shape& b);
// Maps -rank..rank-1 to 0..rank-1; throws IndexError naming `op`.
int normalize_axis(const char* op, int64_t axis, int rank);
// Each of a list of axes so, sorted and without duplicates (ValueError if one repeats).
Dims normalize_axes(const char* op, const Dims& axes, int rank);

}  // namespace needlecpp
