// The renderer: pixels in passes, rays in batches of about as many samples as a training step has.
#include "needlecpp/render/renderer.h"

#include <algorithm>

#include "needlecpp/autograd/autograd.h"
#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/shape.h"
#include "render/renderer_run.h"

namespace needlecpp {
namespace {

// Samples marched at once: as many as keep the memory near that of a training step.
constexpr int64_t kRenderSamples = 1 << 16;

void check_camera(const Cameras& cameras, int64_t camera) {
  cameras.check("render_image");
  NDL_CHECK(camera >= 0 && camera < cameras.count(), IndexError, "render_image", "no such camera: got ", camera,
            ", expected 0 to ", cameras.count() - 1, ".");
}

void check_target(const char* what, const Tensor& target, const Shape& shape) {
  NDL_CHECK(
      !target.defined() || (target.dtype() == DType::Float32 && target.shape() == shape && target.is_contiguous()),
      ValueError, "render_image", what, " does not fit the camera's picture: got ", name(target.dtype()), " ",
      target.shape(), target.is_contiguous() ? "" : ", not contiguous", ", expected contiguous float32 ", shape, ".");
}

}  // namespace

int64_t count_pixels(const Pass& pass) {
  const auto count = [&](int64_t block) {
    return ((pass.width + block - 1) / block) * ((pass.height + block - 1) / block);
  };
  return pass.first ? count(pass.block) : count(pass.block) - count(2 * pass.block);
}

Renderer::Renderer(const Scene& scene, const RenderOptions& options, const std::optional<Color>& background)
    : scene_(scene), options_(options) {
  NDL_CHECK(scene.model, ValueError, "renderer", "the scene is empty: got no model, expected one.");
  check_config("renderer", options);
  background_ = background ? *background : Color{scene.background[0], scene.background[1], scene.background[2]};
}

const Model& Renderer::current() {
  std::vector<std::pair<std::shared_ptr<TensorImpl>, uint32_t>> versions;
  for (const Parameter& parameter : scene_.model->parameters())
    versions.emplace_back(parameter.tensor.impl(), parameter.tensor.version());
  if (!shown_ || versions != versions_) {
    shown_ = scene_.model->for_rendering();
    versions_ = std::move(versions);
  }
  return *shown_;
}

void Renderer::render_progressive(const Cameras& cameras, int64_t camera, const RenderedImage& image, int64_t coarsest,
                                  const Show& show) {
  Op op("render_image", cameras.poses);
  check_camera(cameras, camera);
  NDL_CHECK(coarsest >= 1 && (coarsest & (coarsest - 1)) == 0, ValueError, op, "bad coarsest block: got ", coarsest,
            ", expected a power of two.");
  NoGrad no_grad;
  const Model& model = current();
  const int64_t height = cameras.height(camera), width = cameras.width(camera);
  check_target("color", image.color, {height, width, 3});
  check_target("opacity", image.opacity, {height, width});
  check_target("depth", image.depth, {height, width});
  const Tensor behind = Tensor::from_vector(std::vector<float>(background_.begin(), background_.end()), {1, 3});
  for (int64_t block = coarsest; block >= 1; block /= 2) {
    const Pass pass = {width, height, block, block == coarsest};
    const int64_t n = count_pixels(pass);
    const Tensor pixels = op.empty({n, 2}, DType::Int32);
    NDL_ON(op.device(), run_pass_pixels)(pass, pixels);
    const Tensor centres = cast(pixels, DType::Float32) + 0.5;
    int64_t rays_at_once = width;  // grows and shrinks with the samples of the rays before
    for (int64_t first = 0, end = 0; first < n; first = end) {
      end = std::min(n, first + rays_at_once);
      const Tensor index = op.full({end - first}, static_cast<double>(camera), DType::Int32);
      const Rays rays = generate_rays(cameras, index, slice(centres, 0, first, end));
      const RenderedRays rendered = model.render(rays, options_);
      const VolumeOutput& seen = rendered.seen;
      const auto fill = [&](const Tensor& values, const Tensor& to) {
        NDL_ON(op.device(), run_fill_blocks)(values, slice(pixels, 0, first, end), block, to);
      };
      if (image.color.defined()) fill(seen.color + unsqueeze(1.0 - seen.opacity, 1) * behind, image.color);
      if (image.opacity.defined()) fill(seen.opacity, image.opacity);
      if (image.depth.defined())
        fill(where(gt(seen.opacity, 0.0), seen.depth / clamp(seen.opacity, 1e-10, 1), op.zeros({})), image.depth);
      rays_at_once = std::clamp<int64_t>((end - first) * kRenderSamples / std::max<int64_t>(1, rendered.marched), 64,
                                         2 * rays_at_once);
    }
    for (const Tensor& target : {image.color, image.opacity, image.depth})
      if (target.defined()) target.bump_version(op);
    if (show && !show(image, block)) break;
  }
}

RenderedImage Renderer::render_progressive(const Cameras& cameras, int64_t camera, int64_t coarsest, const Show& show) {
  check_camera(cameras, camera);
  const int64_t height = cameras.height(camera), width = cameras.width(camera);
  const RenderedImage image{Tensor::empty({height, width, 3}), Tensor::empty({height, width}),
                            Tensor::empty({height, width})};
  render_progressive(cameras, camera, image, coarsest, show);
  return image;
}

RenderedImage Renderer::render(const Cameras& cameras, int64_t camera) {
  return render_progressive(cameras, camera, 1, nullptr);
}

void Renderer::render_into(const Cameras& cameras, int64_t camera, const RenderedImage& image) {
  render_progressive(cameras, camera, image, 1, nullptr);
}

void Renderer::render_into(const Cameras& cameras, int64_t camera, float* rgb, float* opacity, float* depth) {
  check_camera(cameras, camera);
  const int64_t height = cameras.height(camera), width = cameras.width(camera);
  const auto wrapped = [&](float* memory, const Shape& shape, const Strides& strides) {
    return memory ? Tensor::wrap(memory, shape, strides, DType::Float32, [] {}) : Tensor();
  };
  render_into(cameras, camera,
              {wrapped(rgb, {height, width, 3}, {3 * width, 3, 1}), wrapped(opacity, {height, width}, {width, 1}),
               wrapped(depth, {height, width}, {width, 1})});
}

RenderedImage render_image(const Scene& scene, const Cameras& cameras, int64_t camera,
                           const std::optional<Color>& background) {
  return Renderer(scene, {}, background).render(cameras, camera);
}

}  // namespace needlecpp
