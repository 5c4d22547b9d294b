// Panels to rows of features and back, for whoever wants an encoding as a tensor.
#include <string.h>

#include "render/ops/panel_encoder_kernels.h"

namespace needlecpp::NDL_ISA {
namespace {

// copy(row, panel) for the `W` features of every point in every panel.
template <int W, class Copy>
void for_features(const PanelRowsArgs& args, Copy copy) {
  for (int64_t i = 0; i < args.count; ++i)
    for (int64_t p = 0; p < args.n_panels; ++p)
      copy(args.rows + (i * args.n_panels + p) * W, args.panels + p * args.pitch + i * W, W * sizeof(float));
}

template <class Copy>
void for_all(const PanelRowsArgs& args, Copy copy) {
  switch (args.width) {
    case 1:
      return for_features<1>(args, copy);
    case 2:
      return for_features<2>(args, copy);
    case 4:
      return for_features<4>(args, copy);
    default:
      return for_features<8>(args, copy);
  }
}

}  // namespace

void rows_from_panels(const PanelRowsArgs& args) {
  for_all(
      args,
      [](float* row, const float* panel, size_t bytes) __attribute__((always_inline)) { memcpy(row, panel, bytes); });
}

void panels_from_rows(const PanelRowsArgs& args) {
  for_all(
      args,
      [](const float* row, float* panel, size_t bytes) __attribute__((always_inline)) { memcpy(panel, row, bytes); });
}

}  // namespace needlecpp::NDL_ISA
