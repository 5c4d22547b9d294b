// The hash grid and the network behind it in one op. A thread encodes a run of points into panels, one a level, and
// takes the same points through the network, which reads its tiles out of the panels. On the tape the panels are kept
// for the weights' gradient, and the gradient of the encoding goes back in panels, as the scatter wants it; so neither
// pass turns panels into rows or rows into panels in memory, which took a quarter of the encoding's time. Off the tape
// the panels are as long as a run, kEncodePoints, and serve the next one again.
#include "needlecpp/render/hashgrid_mlp.h"

#include <algorithm>

#include "needlecpp/autograd/op.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/shape.h"
#include "render/ops/fused_mlp_network.h"
#include "render/ops/hashgrid_panels.h"

namespace needlecpp {
namespace {

constexpr int64_t kGrain = 1024;  // points below which a thread is not worth waking

struct Config {
  HashGridConfig grid;
  Box box;
  MlpOptions mlp;
};

void check(const char* op, const Tensor& positions, const Tensor& table, const Tensors& weights,
           const HashGridConfig& grid, const Box& box) {
  check_hashgrid(op, positions, table, grid);
  box.check(op);
  check_weights(op, int64_t{grid.levels} * grid.features, positions.dtype(), weights);
}

Panels panels_in(const Tensor& memory, const HashGridConfig& grid, int64_t n) {
  return {memory.data<float>(), panel_pitch(grid, n)};
}
Tensor panel_memory(const HashGridConfig& grid, int64_t n) {
  return Tensor::empty({grid.levels * panel_pitch(grid, n)});
}

MlpColumns columns_of(const Panels& panels, const HashGridConfig& grid) {
  return {panels.data, grid.features, 1, grid.features, panels.pitch};
}

// Keeps the panels of all points where `kept` is defined.
Tensor run_forward(const Tensor& positions, const Tensor& table, const Tensors& weights, const Config& config,
                   const Tensor& kept, const Tensors& hidden) {
  const int64_t n = positions.size(0);
  const HashGridPass pass(positions, config.box, table, config.grid);
  const Network network(weights, config.mlp, hidden, false);
  const Tensor y = Tensor::empty({n, network.out()});
  parallel_for(n, kGrain, [&](int64_t begin, int64_t end) {
    const Scratch<float> scratch(network.scratch());
    MlpArgs args = network.args();
    if (kept.defined()) {
      const Panels panels = panels_in(kept, config.grid, n);
      args.x = columns_of(panels, config.grid);
      args.y = y.data<float>();
      for (int64_t first = begin; first < end; first += kEncodePoints) {
        const int64_t last = std::min(end, first + kEncodePoints);
        pass.encode(first, last - first, {panels.data + first * config.grid.features, panels.pitch});
        network.forward(args, first, last, scratch.data());
      }
      return;
    }
    const int64_t most = std::min(kEncodePoints, end - begin);
    const Tensor memory = panel_memory(config.grid, most);
    const Panels panels = panels_in(memory, config.grid, most);
    args.x = columns_of(panels, config.grid);
    for (int64_t first = begin; first < end; first += most) {
      const int64_t count = std::min(most, end - first);
      pass.encode(first, count, panels);
      args.y = y.data<float>() + first * network.out();
      network.forward(args, 0, count, scratch.data());
    }
  });
  return y;
}

// The op's inputs are positions, table and the weights; saved are these, the panels and the hidden activations.
void run_backward(Backward& b, size_t n_weights, const Config& config) {
  const Tensor positions = b.saved(0), table = b.saved(1);
  Tensors weights, hidden;
  std::vector<bool> wanted;
  const auto at = [](size_t i) { return static_cast<int>(i); };
  for (size_t l = 0; l < n_weights; ++l) {
    weights.push_back(b.saved(at(2 + l)));
    wanted.push_back(b.needs(at(2 + l)));
    if (l > 0) hidden.push_back(b.saved(at(2 + n_weights + l)));
  }
  const Tensor encoded = b.saved(at(2 + n_weights));
  const int64_t n = positions.size(0);
  const Tensor dy = contiguous(b.dy());
  const Tensor y = config.mlp.output == Activation::None ? Tensor() : b.output();
  const bool through = b.needs(0) || b.needs(1);
  const Tensor gradient = through ? panel_memory(config.grid, n) : Tensor();

  Network network(weights, config.mlp, hidden, true);
  MlpArgs& args = network.args();
  args.x = columns_of(panels_in(encoded, config.grid, n), config.grid);
  args.dy = dy.data<float>();
  if (y.defined()) args.y = y.data<float>();
  if (through) args.dx = columns_of(panels_in(gradient, config.grid, n), config.grid);
  const Tensors dweights = network.backward(n, weights, wanted);
  for (size_t l = 0; l < n_weights; ++l)
    if (wanted[l]) b.give(at(2 + l), dweights[l]);

  if (!through) return;
  const Tensor by_positions = b.needs(0) ? Tensor::empty(positions.shape()) : Tensor();
  const TableGradient by_table(b, 1, table);
  const HashGridPass pass(positions, config.box, contiguous(table), config.grid);
  pass.backward(0, n, panels_in(gradient, config.grid, n), by_table.tensor(), by_table.fresh(), by_positions);
  b.give(0, by_positions);
  by_table.give("hashgrid_mlp");
}

Tensor composed(const Tensors& inputs, const Config& config) {
  return hashgrid_mlp_composed(inputs[0], inputs[1], Tensors(inputs.begin() + 2, inputs.end()), config.grid, config.box,
                               config.mlp.hidden, config.mlp.output, config.mlp.precision);
}

}  // namespace

Tensor hashgrid_mlp(const Tensor& positions, const Tensor& table, const Tensors& weights, const HashGridConfig& grid,
                    const Box& box, Activation hidden, Activation output, Precision precision) {
  OpScope scope("hashgrid_mlp");
  check("hashgrid_mlp", positions, table, weights, grid, box);
  const Config config = {grid, box, {hidden, output, precision}};
  Tensors inputs = {positions, table};
  inputs.insert(inputs.end(), weights.begin(), weights.end());
  if (positions.dtype() != DType::Float32 || (table.dtype() != DType::Float32 && table.dtype() != DType::BFloat16))
    return composed(inputs, config);

  const Tensor entries = contiguous(table.detach());
  if (!grad_enabled() || !detail::any_requires_grad(inputs))
    return run_forward(positions, entries, weights, config, {}, {});
  const Tensor panels = panel_memory(grid, positions.size(0));
  const Tensors activations = hidden_activations(positions.size(0), weights, precision);
  const Tensor y = run_forward(positions, entries, weights, config, panels, activations);
  Tensors saved = inputs;
  saved.push_back(panels);
  saved.insert(saved.end(), activations.begin(), activations.end());
  const size_t n_weights = weights.size();
  return record(
      "hashgrid_mlp", Tensors{y}, inputs, saved,
      [n_weights, config](Backward& b) {
        OpScope scope("hashgrid_mlp");
        if (!Backward::recording()) return run_backward(b, n_weights, config);
        Tensors inputs;
        for (size_t i = 0; i < 2 + n_weights; ++i) inputs.push_back(b.saved(static_cast<int>(i)));
        b.through_twin([config](const Tensors& in) { return Tensors{composed(in, config)}; }, inputs);
      },
      output == Activation::None ? SaveOutputs::No : SaveOutputs::Yes)[0];
}

Tensor hashgrid_mlp_composed(const Tensor& positions, const Tensor& table, const Tensors& weights,
                             const HashGridConfig& grid, const Box& box, Activation hidden, Activation output,
                             Precision precision) {
  Op op("hashgrid_mlp_composed", positions, table, weights);
  check("hashgrid_mlp_composed", positions, table, weights, grid, box);
  // Rounded once, as the fused op does it.
  Tensors axes;
  const ToUnitBox to_unit(box);
  for (int axis = 0; axis < 3; ++axis)
    axes.push_back(
        add(mul(cast(select(positions, 1, axis), DType::Float64), to_unit.scale[axis]), to_unit.shift[axis]));
  const Tensor unit = cast(stack(axes, 1), positions.dtype());
  const Tensor encoded = cast(hashgrid_composed(unit, table, grid), weights[0].dtype());
  return fused_mlp_composed(encoded, weights, hidden, output, precision);
}

}  // namespace needlecpp
