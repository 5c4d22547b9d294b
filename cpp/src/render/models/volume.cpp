// Rays through a field. The field's density is evaluated off the tape first, along each ray until its light is used up
// (live_samples.cpp), and the weights of volume rendering with it; only samples that carry weight go on: one in four,
// the rest lie in front of a surface. Those pass the field again, recorded where the tape is on, and colour, and are
// composited.
//
// Why two density passes: a forward costs a quarter of forward and backward, so evaluating live samples once more is
// cheaper than dragging the dead ones through colour and the backward pass. A dropped sample gets no gradient, so its
// density cannot grow; but its weight was below min_weight to begin with, and a fresh field is thin everywhere and
// drops little.
#include "needlecpp/autograd/autograd.h"
#include "needlecpp/ops/gather.h"
#include "needlecpp/render/model.h"
#include "render/live_samples.h"

namespace needlecpp {

VolumeModel::VolumeModel(std::shared_ptr<Field> field, std::shared_ptr<OccupancyGrid> occupancy,
                         const MarchOptions& march)
    : field_(std::move(field)), occupancy_(std::move(occupancy)), march_(march), shown_(field_) {
  NDL_CHECK(field_ && occupancy_, ValueError, "volume_model", "no ", field_ ? "occupancy grid" : "field",
            ": got nothing, expected one.");
  march_.jitter = false;
  check_config("march", march_);
}

RenderedRays VolumeModel::render(const Rays& rays, const RenderOptions& options) const {
  return render(rays, march_, options);
}

RenderedRays VolumeModel::render(const Rays& rays, const MarchOptions& march, const RenderOptions& options) const {
  const Field& field = *shown_;
  const Samples samples = occupancy_->march(rays, march);
  const Samples* kept = &samples;
  LiveSamples live;
  Density density;
  int64_t evaluated = samples.count();
  if (options.min_weight > 0 && samples.count() > 0) {
    const VisibleDensity visible = visible_density(field, samples, options.early_stop, !grad_enabled());
    evaluated = visible.evaluated;
    live = keep_live(samples, volume_weights(visible.sigma, samples.dt, samples.offsets, options.early_stop),
                     options.min_weight);
    kept = &live.samples;
    if (!grad_enabled()) {  // off the tape the first evaluation serves
      density.sigma = index_select(visible.sigma, 0, live.index);
      density.features = index_select(visible.features, 0, live.index);
    }
  }
  if (!density.sigma.defined()) density = checked_density(field, kept->positions);
  const Tensor rgb = checked_color(field, density.features, rays, kept->ray_index);
  // Live samples end where the ray stops already.
  const double stop = kept == &samples ? options.early_stop : 0;
  return {render_volume(density.sigma, rgb, kept->t, kept->dt, kept->offsets, stop), evaluated, kept->count(),
          samples.count()};
}

size_t VolumeModel::bytes(int64_t samples, bool training) const {
  // Beside the field's: packed samples and live ones (t, dt, position, ray, index), weights, and gradients of sigma and
  // colour.
  constexpr size_t kSampleBytes = 160;
  return field_->bytes(samples, training) + static_cast<size_t>(samples) * kSampleBytes;
}

std::shared_ptr<const Model> VolumeModel::for_rendering() const {
  auto model = std::make_shared<VolumeModel>(*this);
  model->shown_ = field_->for_rendering();
  return model;
}

}  // namespace needlecpp
