// Renders pictures of a scene, off the tape, into new tensors or the caller's memory.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "needlecpp/render/camera.h"
#include "needlecpp/render/scene.h"

namespace needlecpp {

struct RenderedImage {
  Tensor color;    // [height, width, 3] float32 sRGB, background filled in
  Tensor opacity;  // [height, width]
  Tensor depth;    // [height, width] world units: expected distance along the ray (0 where opacity is 0)
};
using Color = std::array<float, 3>;

// The model's form for rendering is made once and kept until a parameter changes, in a training say. One thread at a
// time may use a renderer; others may have renderers of their own on the same scene.
class Renderer {
 public:
  // background: sRGB in [0, 1]; the scene's where it is left out.
  explicit Renderer(const Scene& scene, const RenderOptions& options = {},
                    const std::optional<Color>& background = std::nullopt);

  const Scene& scene() const { return scene_; }

  RenderedImage render(const Cameras& cameras, int64_t camera);
  // Into memory of the caller's, row by row: rgb [height, width, 3]; opacity and depth [height, width] or null.
  void render_into(const Cameras& cameras, int64_t camera, float* rgb, float* opacity = nullptr,
                   float* depth = nullptr);
  // Into tensors, contiguous float32 on the CPU; those that are undefined are not wanted.
  void render_into(const Cameras& cameras, int64_t camera, const RenderedImage& image);
  // Coarse to fine, for a preview: first one ray for every block of `coarsest`^2 pixels (a power of two), which it
  // fills, then the pixels between with half the block, down to single pixels; no ray is rendered twice. After each
  // pass `show` gets the picture so far, which is `image`, and the size of its blocks; it may return false to stop
  // there.
  using Show = std::function<bool(const RenderedImage& so_far, int64_t block)>;
  void render_progressive(const Cameras& cameras, int64_t camera, const RenderedImage& image, int64_t coarsest,
                          const Show& show);
  RenderedImage render_progressive(const Cameras& cameras, int64_t camera, int64_t coarsest, const Show& show);

 private:
  const Model& current();

  Scene scene_;
  RenderOptions options_;
  Color background_;
  std::shared_ptr<const Model> shown_;  // scene_.model as it was when its parameters had these versions
  std::vector<std::pair<std::shared_ptr<TensorImpl>, uint32_t>> versions_;
};

// One picture, new tensors.
RenderedImage render_image(const Scene& scene, const Cameras& cameras, int64_t camera,
                           const std::optional<Color>& background = std::nullopt);

}  // namespace needlecpp
