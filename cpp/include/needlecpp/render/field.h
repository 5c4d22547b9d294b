// A radiance field: density and colour anywhere in a box, as functions with parameters. Whoever marches, composites,
// trains, saves or renders asks a field for no more than this, whatever it is made of: render/fields/ has those of this
// library, a program may bring its own.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "needlecpp/core/tensor.h"
#include "needlecpp/render/camera.h"

namespace needlecpp {

struct Density {
  Tensor sigma;     // [n] float32, per world unit, 0 or more
  Tensor features;  // [n, f] float32: what color() needs to know of the point
};

// One tensor that a training moves, and how.
struct Parameter {
  std::string name;  // in files; unique in a field
  Tensor tensor;     // a contiguous float32 leaf that requires grad
  double lr_scale = 1;
  // Entries whose gradient is zero keep value and moments: for tables of which a step touches a few entries.
  bool touched_only = false;
};

// One call serves a batch of 10^4 to 10^5 points (none at all, now and then), so that being virtual costs nothing.
class Field {
 public:
  virtual ~Field() = default;

  // In files, which name of render/fields/table.cpp makes it again; of a field of a program's own, any other name.
  virtual std::string kind() const = 0;
  // Outside it there is nothing: the occupancy grid and the march cover it.
  virtual const Box& box() const = 0;

  // On the tape where it is on; differentiable in the parameters.
  virtual Density density(const Tensor& positions) const = 0;  // [n, 3] world units
  // Colour [n, 3], sRGB in [0, 1], of points with these features, seen along their rays: many points share a ray, so
  // that what depends on its direction alone can be computed once a ray.
  virtual Tensor color(const Tensor& features,  // [n, f], of some of the points that density() was asked for
                       const Rays& rays,        // [r]
                       const Tensor& ray_index) const = 0;  // [n] int32, each point's ray

  // Always in the same order; optimizers and files go by names.
  virtual std::vector<Parameter> parameters() const = 0;
  // At most so many bytes of tensors density() and color() of `samples` points hold at a time, besides the parameters:
  // with `training`, on the tape, and gradients of all parameters with them.
  virtual size_t bytes(int64_t samples, bool training) const = 0;
  // The field as it is now, in the form that is fastest off the tape. It serves until a parameter changes.
  virtual std::shared_ptr<const Field> for_rendering() const = 0;

  // What is added to the loss of each step, a number on the tape (total variation, sparsity); undefined: nothing.
  virtual Tensor penalty() const { return {}; }
  // Called before every step, progress in [0, 1]: a field that grows or prunes its parameters does it here. True: they
  // are others now, and the optimizer's moments start anew where shapes have changed.
  virtual bool refine(double progress) {
    static_cast<void>(progress);
    return false;
  }
};

// The kinds that this library has, by the names that files know them by, and as small a field of one as shows all that
// it does, in the box from -1 to 1: for tests.
std::vector<std::string> field_kind_names();
std::shared_ptr<Field> small_field(const std::string& kind, uint64_t seed = 0);  // throws ValueError for another name

}  // namespace needlecpp
