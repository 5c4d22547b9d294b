// Models: what can be rendered from anywhere and trained as a whole. A VolumeModel is a radiance field with the grid
// that says where it is not empty, and how rays march through it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "needlecpp/core/tensor.h"
#include "needlecpp/render/field.h"
#include "needlecpp/render/occupancy.h"
#include "needlecpp/render/volume.h"

namespace needlecpp {

class SceneWriter;  // the description and the tensors of a scene's file, see scene.h

// What is left out when rays are rendered.
struct RenderOptions {
  double early_stop = 1e-3;  // a ray ends where less light than this would pass
  double min_weight = 1e-4;  // samples of less weight get no colour; 0: all do
};
template <class Visitor, MaybeConst<RenderOptions> Config>
void describe(Visitor& v, Config& c) {
  v("early_stop", c.early_stop, 0, 1, "a ray ends where less light than this would pass");
  v("min_weight", c.min_weight, 0, 1, "samples of less weight than this get no colour; 0: all do");
}

// Colour, opacity and expected depth of a batch of rays, with nothing behind them.
struct RenderedRays {
  VolumeOutput seen;
  int64_t samples = 0;  // at which the model was evaluated
  int64_t live = 0;     // those that took part in the colour
  int64_t marched = 0;  // those that a ray met, whether it came to them or not
};

class Model {
 public:
  virtual ~Model() = default;
  // On the tape where it is on.
  virtual RenderedRays render(const Rays& rays, const RenderOptions& options) const = 0;
  virtual std::vector<Parameter> parameters() const = 0;
  // At most so many bytes of tensors a batch of this many samples holds at a time, besides the parameters.
  virtual size_t bytes(int64_t samples, bool training) const = 0;
  // The model as it is now, in the form that is fastest off the tape; until a parameter changes.
  virtual std::shared_ptr<const Model> for_rendering() const = 0;
  // Adds what load needs to make it again.
  virtual void write(SceneWriter& to) const = 0;
};

class VolumeModel : public Model {
 public:
  // Throws ValueError for nulls and options out of bounds. `march` has no jitter of its own here.
  VolumeModel(std::shared_ptr<Field> field, std::shared_ptr<OccupancyGrid> occupancy, const MarchOptions& march);

  RenderedRays render(const Rays& rays, const RenderOptions& options) const override;
  // The same with another march: shorter or longer steps, or jitter.
  RenderedRays render(const Rays& rays, const MarchOptions& march, const RenderOptions& options) const;
  std::vector<Parameter> parameters() const override { return field_->parameters(); }
  size_t bytes(int64_t samples, bool training) const override;
  std::shared_ptr<const Model> for_rendering() const override;
  void write(SceneWriter& to) const override;

  const std::shared_ptr<Field>& field() const { return field_; }
  const std::shared_ptr<OccupancyGrid>& occupancy() const { return occupancy_; }
  const MarchOptions& march() const { return march_; }

 private:
  std::shared_ptr<Field> field_;
  std::shared_ptr<OccupancyGrid> occupancy_;
  MarchOptions march_;
  std::shared_ptr<const Field> shown_;  // field_, or its form for rendering
};

}  // namespace needlecpp
