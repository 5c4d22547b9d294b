// An encoder turns positions, and parameters such as a table, into features of points. It writes them in panels, one
// [n, width] behind the other (a hash grid has one a level), because that is how encoders write fastest and how the
// network of encoded_mlp() reads them; so neither pass turns panels into rows or rows into panels in memory.
//
// A new encoder is a PanelEncoder: its twin in plain ops, and a pass for each device. encode() and encoded_mlp.h make
// ops of it, with all that is on the tape.
#pragma once

#include <memory>

#include "needlecpp/autograd/op.h"
#include "render/ops/panel_encoder_run.h"

namespace needlecpp {

struct PanelLayout {
  int64_t panels;
  int64_t width;  // features of a point in one panel: 1, 2, 4 or 8

  int64_t features() const { return panels * width; }
  // Floats from one panel of n points to the next: starts of panels must not share one set of the cache.
  int64_t pitch(int64_t n) const { return n * width + 16; }
};

class PanelEncoder {
 public:
  virtual ~PanelEncoder() = default;
  virtual PanelLayout layout() const = 0;
  // The features as a tensor [n, features] of plain ops, from positions and the parameters behind them.
  virtual Tensor composed(const Tensors& inputs) const = 0;
  // One op's positions, with any strides, and parameters, contiguous, on the CPU: panel_encoder_cpu.h.
  virtual std::unique_ptr<cpu::PanelPass> on_cpu(View positions, const Views& parameters) const = 0;
};
using PanelEncoderPtr = std::shared_ptr<const PanelEncoder>;  // the tape keeps it for the backward pass

// Memory for n points, uninitialised: [panels, n, width] float32.
Tensor empty_panels(const PanelLayout& layout, int64_t n, Device device);

// Parameters as run functions take them.
Tensors dense_parameters(const Tensors& parameters);

// The features of positions [n, 3] float32 with any strides: [n, features]. Differentiable in positions and parameters,
// which may be narrower than float32.
Tensor encode(const Op& op, const PanelEncoderPtr& encoder, const Tensor& positions, const Tensors& parameters);

// Where a backward pass puts the gradients of an encoder's inputs, which are the op's from 0 on: those of parameters
// into the .grad that a float32 leaf has already, or into memory of their own.
class EncoderGradient {
 public:
  EncoderGradient(Backward& b, const Tensor& positions, const Tensors& parameters);
  EncoderTargets targets() const;
  void give(const char* op) const;

 private:
  struct Parameter {
    Tensor memory;
    bool added;  // to the gradient of a leaf
  };
  Backward& b_;
  Tensor positions_;
  std::vector<Parameter> parameters_;
};

}  // namespace needlecpp
