// An encoder and the network behind it on the tape. There the panels are kept for the weights' gradient, and the
// gradient of the encoding goes back in panels, as encoders want it.
#include "render/ops/encoded_mlp.h"

#include "needlecpp/ops/elementwise.h"
#include "render/ops/encoded_mlp_run.h"
#include "render/ops/fused_mlp_tape.h"

namespace needlecpp {
namespace {

// An op's inputs: positions, the encoder's parameters, the network's weights.
struct Inputs {
  Tensor positions;
  Tensors parameters, weights;

  Inputs(const Tensors& all, size_t n_parameters)
      : positions(all[0]),
        parameters(all.begin() + 1, all.begin() + 1 + static_cast<int64_t>(n_parameters)),
        weights(all.begin() + 1 + static_cast<int64_t>(n_parameters), all.end()) {}
};

}  // namespace

Tensor encoded_mlp(const Op& op, const PanelEncoderPtr& encoder, const Tensor& positions, const Tensors& parameters,
                   const Tensors& weights, const MlpOptions& options) {
  const int64_t n = positions.size(0);
  Tensors inputs = {positions};
  inputs.insert(inputs.end(), parameters.begin(), parameters.end());
  inputs.insert(inputs.end(), weights.begin(), weights.end());
  const bool taped = grad_enabled() && detail::any_requires_grad(inputs);
  const Tensor panels = taped ? empty_panels(encoder->layout(), n, op.device()) : Tensor();
  const Tensors hidden = taped ? hidden_activations(n, weights, options.precision) : Tensors();
  const Tensor y = op.empty({n, weights.back().size(1)});
  NDL_ON(op.device(), run_encoded_mlp)
  ({*encoder, positions, views_of(dense_parameters(parameters))}, options, views_of(weights), panels, views_of(hidden),
   y);
  if (!taped) return y;

  Tensors saved = inputs;
  saved.push_back(panels);
  saved.insert(saved.end(), hidden.begin(), hidden.end());
  const int n_inputs = static_cast<int>(inputs.size()), n_saved = static_cast<int>(saved.size());
  const size_t n_parameters = parameters.size();
  return op.record(
      Tensors{y}, inputs, saved,
      [encoder, options, n_inputs, n_saved, n_parameters, name = op.name()](Backward& b) {
        Tensors inputs, hidden;
        for (int i = 0; i < n_inputs; ++i) inputs.push_back(b.saved(i));
        if (Backward::recording()) {
          const auto twin = [&](const Tensors& all) {
            const Inputs in(all, n_parameters);
            return Tensors{encoded_mlp_composed(*encoder, in.positions, in.parameters, in.weights, options)};
          };
          return b.through_twin(twin, inputs);
        }
        const Inputs in(inputs, n_parameters);
        const Tensor panels = b.saved(n_inputs);
        for (int i = n_inputs + 1; i < n_saved; ++i) hidden.push_back(b.saved(i));
        bool through = false;
        for (int i = 0; i <= static_cast<int>(n_parameters); ++i) through = through || b.needs(i);
        const Device device = in.positions.device();
        const Tensor dpanels = through ? empty_panels(encoder->layout(), in.positions.size(0), device) : Tensor();
        backward_through_mlp(b, 1 + static_cast<int>(n_parameters), options, panels, in.weights, hidden, dpanels);
        if (!through) return;
        const EncoderGradient gradient(b, in.positions, in.parameters);
        NDL_ON(device, run_panels_backward)
        ({*encoder, in.positions, views_of(dense_parameters(in.parameters))}, dpanels, gradient.targets());
        gradient.give(name);
      },
      options.output == Activation::None ? SaveOutputs::No : SaveOutputs::Yes)[0];
}

Tensor encoded_mlp_composed(const PanelEncoder& encoder, const Tensor& positions, const Tensors& parameters,
                            const Tensors& weights, const MlpOptions& options) {
  Tensors inputs = {positions};
  inputs.insert(inputs.end(), parameters.begin(), parameters.end());
  const Tensor encoded = cast(encoder.composed(inputs), weights[0].dtype());
  return fused_mlp_composed(encoded, weights, options.hidden, options.output, options.precision);
}

}  // namespace needlecpp
