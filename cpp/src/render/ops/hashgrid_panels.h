// The hash grid before and behind its tape: encodings of points as one panel [n, features] a level, which is what the
// loops of hashgrid_simd.cpp write and read. Shared by the ops that contain a hash grid.
#pragma once

#include <vector>

#include "needlecpp/autograd/function.h"
#include "needlecpp/core/tensor.h"
#include "needlecpp/render/camera.h"
#include "needlecpp/render/hashgrid.h"
#include "render/ops/hashgrid_kernels.h"

namespace needlecpp {

// Points that a thread takes through the levels together: so many that a level's table, once it is in the second-level
// cache, is used often. With an eighth of them tables of 4 MB take 1.2 times as long.
constexpr int64_t kEncodePoints = 1 << 16;

// Throws for what the hash grid's kernels do not take; `op` is the caller's name.
void check_hashgrid(const char* op, const Tensor& positions, const Tensor& table, const HashGridConfig& config);

struct Panels {
  float* data;
  int64_t pitch;  // floats from one level's panel to the next
};
// The pitch for n points.
int64_t panel_pitch(const HashGridConfig& config, int64_t n);

// Where a backward pass puts the gradient of a table: into the .grad that a float32 leaf has already, or into memory of
// its own, which the scatter clears.
class TableGradient {
 public:
  TableGradient(Backward& b, int input, const Tensor& table) : b_(b), input_(input) {
    if (table.dtype() == DType::Float32) into_ = b.accumulator(input);
    if (!into_.defined() && b.needs(input)) own_ = Tensor::empty(table.shape());
  }
  const Tensor& tensor() const { return into_.defined() ? into_ : own_; }
  bool fresh() const { return !into_.defined(); }
  void give(const char* op) const {
    if (into_.defined())
      into_.bump_version(op);
    else
      b_.give(input_, own_);
  }

 private:
  Backward& b_;
  int input_;
  Tensor into_, own_;
};

// Coordinates of a box to those of the unit box: x * scale + shift.
struct ToUnitBox {
  float scale[3], shift[3];
  explicit ToUnitBox(const Box& box) {
    for (int axis = 0; axis < 3; ++axis) {
      scale[axis] = 1.0f / (box.high[axis] - box.low[axis]);
      shift[axis] = box.low[axis] == 0 ? 0.0f : -box.low[axis] * scale[axis];
    }
  }
};

// A table at many positions, forwards and backwards.
class HashGridPass {
 public:
  // Positions of the box are moved to the unit box. The table is float32 or bfloat16, contiguous.
  HashGridPass(const Tensor& positions, const Box& box, const Tensor& table, const HashGridConfig& config);

  // Encodes points [first, first + count) on this thread; a panel's first row is that of point `first`.
  void encode(int64_t first, int64_t count, const Panels& panels) const;
  // From the gradient of the encodings of points [first, first + count), on all threads: adds the table's to
  // table_grad (clearing it before if `zero`), and writes the positions'. Either may be undefined.
  void backward(int64_t first, int64_t count, const Panels& dy, const Tensor& table_grad, bool zero,
                const Tensor& position_grad) const;

 private:
  class Split;  // points axis by axis
  Tensor positions_, table_;
  ToUnitBox to_unit_;
  std::vector<HashGridLevelArgs> levels_;
  int features_;
};

}  // namespace needlecpp
