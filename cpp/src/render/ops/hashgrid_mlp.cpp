// The hash grid and the network behind it: checks. All else is encoded_mlp()'s.
#include "needlecpp/render/hashgrid_mlp.h"

#include "needlecpp/autograd/op.h"
#include "render/ops/encoded_mlp.h"
#include "render/ops/fused_mlp_tape.h"
#include "render/ops/hashgrid_encoder.h"

namespace needlecpp {
namespace {

void check(const char* op, const Tensor& positions, const Tensor& table, const Tensors& weights,
           const HashGridConfig& grid, const Box& box) {
  check_hashgrid(op, positions, table, grid);
  box.check(op);
  check_weights(op, int64_t{grid.levels} * grid.features, positions.dtype(), weights);
}

}  // namespace

Tensor hashgrid_mlp(const Tensor& positions, const Tensor& table, const Tensors& weights, const HashGridConfig& grid,
                    const Box& box, Activation hidden, Activation output, Precision precision) {
  Op op("hashgrid_mlp", positions, table, weights);
  check(op, positions, table, weights, grid, box);
  const auto encoder = std::make_shared<HashGridEncoder>(grid, box);
  const MlpOptions options = {hidden, output, precision};
  if (!hashgrid_is_fused(positions, table)) return encoded_mlp_composed(*encoder, positions, {table}, weights, options);
  return encoded_mlp(op, encoder, positions, {table}, weights, options);
}

Tensor hashgrid_mlp_composed(const Tensor& positions, const Tensor& table, const Tensors& weights,
                             const HashGridConfig& grid, const Box& box, Activation hidden, Activation output,
                             Precision precision) {
  Op op("hashgrid_mlp_composed", positions, table, weights);
  check(op, positions, table, weights, grid, box);
  return encoded_mlp_composed(HashGridEncoder(grid, box), positions, {table}, weights, {hidden, output, precision});
}

}  // namespace needlecpp
