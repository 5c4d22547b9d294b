// Ops made of an encoder: memory and the tape.
#include "render/ops/panel_encoder.h"

#include "needlecpp/ops/elementwise.h"

namespace needlecpp {

Tensor empty_panels(const PanelLayout& layout, int64_t n, Device device) {
  const int64_t pitch = layout.pitch(n);
  const Tensor memory = Tensor::empty({layout.panels * pitch}, DType::Float32, device);
  return memory.view({layout.panels, n, layout.width}, {pitch, layout.width, 1}, 0);
}

Tensors dense_parameters(const Tensors& parameters) {
  Tensors dense;
  for (const Tensor& parameter : parameters) dense.push_back(contiguous(parameter.detach()));
  return dense;
}

EncoderGradient::EncoderGradient(Backward& b, const Tensor& positions, const Tensors& parameters) : b_(b) {
  const auto empty_like = [](const Tensor& x) { return Tensor::empty(x.shape(), DType::Float32, x.device()); };
  if (b.needs(0)) positions_ = empty_like(positions);
  for (size_t i = 0; i < parameters.size(); ++i) {
    const int input = static_cast<int>(1 + i);
    Parameter to = {};
    if (parameters[i].dtype() == DType::Float32) to.memory = b.accumulator(input);
    to.added = to.memory.defined();
    if (!to.added && b.needs(input)) to.memory = empty_like(parameters[i]);
    parameters_.push_back(to);
  }
}

EncoderTargets EncoderGradient::targets() const {
  EncoderTargets targets = {positions_, {}};
  for (const Parameter& to : parameters_) targets.parameters.push_back({to.memory, !to.added});
  return targets;
}

void EncoderGradient::give(const char* op) const {
  b_.give(0, positions_);
  for (size_t i = 0; i < parameters_.size(); ++i)
    if (parameters_[i].added)
      parameters_[i].memory.bump_version(op);
    else
      b_.give(static_cast<int>(1 + i), parameters_[i].memory);
}

Tensor encode(const Op& op, const PanelEncoderPtr& encoder, const Tensor& positions, const Tensors& parameters) {
  const Tensor y = op.empty({positions.size(0), encoder->layout().features()});
  NDL_ON(op.device(), run_encode)({*encoder, positions, views_of(dense_parameters(parameters))}, y);
  Tensors inputs = {positions};
  inputs.insert(inputs.end(), parameters.begin(), parameters.end());
  const int n_inputs = static_cast<int>(inputs.size());
  return op.record(Tensors{y}, inputs, inputs, [encoder, n_inputs, name = op.name()](Backward& b) {
    Tensors inputs;
    for (int i = 0; i < n_inputs; ++i) inputs.push_back(b.saved(i));
    if (Backward::recording())
      return b.through_twin([encoder](const Tensors& in) { return Tensors{encoder->composed(in)}; }, inputs);
    const Tensor& positions = inputs[0];
    const Tensors parameters(inputs.begin() + 1, inputs.end());
    const EncoderGradient gradient(b, positions, parameters);
    NDL_ON(positions.device(), run_encode_backward)
    ({*encoder, positions, views_of(dense_parameters(parameters))}, contiguous(b.dy()), gradient.targets());
    gradient.give(name);
  })[0];
}

}  // namespace needlecpp
