// record(): the only way onto the tape.
//
//   Tensor scale(const Tensor& x, double factor) {
//     Op op("scale", x);                                       // autograd/op.h
//     const Tensor y = op.empty(x.shape(), x.dtype());
//     ...
//     return op.record(y, {x}, {}, [factor](Backward& g) { g.give(0, g.dy() * factor); });
//   }
//
// The lambda runs once, during the sweep. It reads the incoming gradient b.dy(k), the inputs or other tensors it
// asked to save (b.saved(i): checked against in-place edits), its own outputs (b.output(k)), and gives a gradient for
// each input that wants one. Gradients of broadcast inputs are summed to the input's shape by the engine.
//
// A program's own differentiable function is written the same way; where its forward is made of ops that should not be
// recorded themselves, it runs under NoGrad.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "needlecpp/autograd/autograd.h"
#include "needlecpp/core/allocator.h"

namespace needlecpp {

class Backward;
using BackwardFn = std::function<void(Backward&)>;

// Memory that a node keeps, counted as kept by it.
class KeptStorage {
 public:
  KeptStorage() = default;
  explicit KeptStorage(std::shared_ptr<Storage> storage) : storage_(std::move(storage)) { storage_->count_kept(1); }
  KeptStorage(KeptStorage&&) noexcept = default;
  KeptStorage& operator=(KeptStorage&& other) noexcept {
    std::swap(storage_, other.storage_);
    return *this;
  }
  ~KeptStorage() {
    if (storage_) storage_->count_kept(-1);
  }
  const std::shared_ptr<Storage>& get() const { return storage_; }

 private:
  std::shared_ptr<Storage> storage_;
};

// A tensor kept for the backward pass as it was: a tensor edited on the tape goes on without touching it, and an edit
// of the memory shows in the version.
struct SavedTensor {
  KeptStorage storage;
  uint32_t version = 0;
  TensorImpl handle;                 // without the storage
  std::shared_ptr<TensorImpl> leaf;  // the tensor itself where that is a leaf that gets a gradient
  bool defined() const { return storage.get() != nullptr; }
};

// What runs when a gradient is complete.
struct GradientHooks {
  std::mutex mutex;  // of what follows
  std::vector<std::pair<uint64_t, GradientHook>> entries;
  uint64_t next_id = 0;
  std::weak_ptr<TensorImpl> retained;  // gets a copy of the handle in its .grad(), after the hooks
  std::shared_ptr<TensorImpl> retained_tensor() {
    const std::lock_guard lock(mutex);
    return retained.lock();
  }
};

// One recorded op.
class Node : public std::enable_shared_from_this<Node> {
 public:
  struct Edge {
    std::shared_ptr<Node> node;        // producer of the input, null for a leaf
    int output = 0;                    // which of its outputs
    std::shared_ptr<TensorImpl> leaf;  // set for a leaf that requires grad
    Shape shape;                       // of the input: the gradient is summed to it
    DType dtype = DType::Float32;      // of the input: the gradient is cast to it
    bool needed() const { return node || leaf; }
  };
  struct Output {
    int64_t offset = 0;
    Shape shape;
    Strides strides;
    DType dtype = DType::Float32;
    bool contiguous = true;
    uint32_t version = 0;
    Device device;
    std::shared_ptr<GradientHooks> hooks;
  };
  // What the backward reads beside the edges. The sweep that runs it holds it, so that another may drop it from the
  // node meanwhile: one that the backward itself starts, or another thread's.
  struct Work {
    BackwardFn fn;
    std::vector<SavedTensor> saved;
    std::vector<KeptStorage> results;  // memory of the outputs; empty unless the op saves them
  };
  Node() = default;
  ~Node();
  const char* name = "";
  uint64_t sequence = 0;  // order of recording
  std::vector<Edge> inputs;
  std::vector<Output> outputs;
  std::shared_ptr<Work> work;  // null after a sweep that did not retain it
};

// What a backward lambda sees.
class Backward {
 public:
  Backward(Node& node, std::shared_ptr<const Node::Work> work, Tensors dys, bool into_leaves = false)
      : node_(node),
        work_(std::move(work)),
        dys_(std::move(dys)),
        gradients_(node.inputs.size()),
        into_leaves_(into_leaves) {}

  void run() { work_->fn(*this); }

  // Gradient of output k; undefined when nothing depended on it (never for an op with one output).
  const Tensor& dy(int k = 0) const { return dys_[k]; }
  int n_outputs() const { return static_cast<int>(dys_.size()); }
  // As dy(k), with zeros in place of undefined.
  Tensor dy_or_zeros(int k) const;
  Tensor saved(int i) const;
  Tensor output(int k = 0) const;  // needs `save_outputs`
  bool needs(int input) const { return node_.inputs[input].needed(); }
  // Hands over the gradient of an input; ignored when the input needs none.
  void give(int input, const Tensor& gradient) {
    if (needs(input)) gradients_[input] = gradient;
  }
  // The .grad() that a leaf input already has, for a kernel that adds its gradient there instead of making a tensor of
  // its own to give: worth it for large tables. Undefined when there is none, or when this sweep must leave it alone.
  Tensor accumulator(int input) const;
  const Shape& input_shape(int input) const { return node_.inputs[input].shape; }

  // For fused ops when the backward itself is being recorded: gradients through the composed twin. `twin` maps the
  // op's inputs (the tensors passed here, index by index the op's inputs) to its outputs.
  void through_twin(const std::function<Tensors(const Tensors&)>& twin, const Tensors& inputs);
  // True when the backward must itself be differentiable (create_graph).
  static bool recording() { return grad_enabled(); }

  Tensors take_gradients() { return std::move(gradients_); }

 private:
  Node& node_;
  std::shared_ptr<const Node::Work> work_;
  Tensors dys_;
  Tensors gradients_;
  bool into_leaves_;  // a plain backward(): leaves' gradients may be added to directly
};

// A tensor handed on without a copy of its handle, which would count references twice.
struct TensorRef {
  const Tensor& tensor;
  TensorRef(const Tensor& tensor) : tensor(tensor) {}
};
using TensorRefs = std::initializer_list<TensorRef>;

namespace detail {
uint64_t next_sequence();  // larger than that of any node so far
// grad() that does not look behind nodes recorded before `oldest`: paths between the inputs there are not followed.
Tensors grad_since(uint64_t oldest, const Tensors& outputs, const Tensors& inputs, const Tensors& dys,
                   bool retain_graph, bool create_graph);
void check_made_nan(const char* name, const Tensor* outputs, size_t n_outputs, const TensorRef* inputs,
                    size_t n_inputs);
inline bool any_requires_grad(TensorRefs inputs) {
  for (const TensorRef& input : inputs)
    if (input.tensor.defined() && input.tensor.requires_grad()) return true;
  return false;
}
bool any_requires_grad(const Tensors& inputs);
void attach(const char* name, const Tensors& outputs, const TensorRef* inputs, size_t n_inputs, const TensorRef* saved,
            size_t n_saved, bool save_outputs, BackwardFn fn);
inline std::vector<TensorRef> refs_of(const Tensors& tensors) { return {tensors.begin(), tensors.end()}; }
}  // namespace detail

enum class SaveOutputs { No, Yes };

// x, if the gradient of `input` is wanted: a tensor to save that only that gradient reads.
inline Tensor kept_for(const Tensor& input, const Tensor& x) { return input.requires_grad() ? x : Tensor(); }

// Puts one op on the tape if any input requires grad and grad is enabled. Returns `output`, now requiring grad.
template <class Fn>
Tensor record(const char* name, Tensor output, TensorRefs inputs, TensorRefs saved, Fn&& fn,
              SaveOutputs save = SaveOutputs::No) {
  if (anomaly_detection()) [[unlikely]]
    detail::check_made_nan(name, &output, 1, inputs.begin(), inputs.size());
  if (grad_enabled() && detail::any_requires_grad(inputs))
    detail::attach(name, {output}, inputs.begin(), inputs.size(), saved.begin(), saved.size(), save == SaveOutputs::Yes,
                   std::forward<Fn>(fn));
  return output;
}

// The same for any number of inputs and several outputs (integer outputs never require grad).
template <class Fn>
Tensors record(const char* name, Tensors outputs, const Tensors& inputs, const Tensors& saved, Fn&& fn,
               SaveOutputs save = SaveOutputs::No) {
  if (anomaly_detection()) [[unlikely]] {
    const std::vector<TensorRef> in = detail::refs_of(inputs);
    detail::check_made_nan(name, outputs.data(), outputs.size(), in.data(), in.size());
  }
  if (grad_enabled() && detail::any_requires_grad(inputs)) {
    const std::vector<TensorRef> in = detail::refs_of(inputs), kept = detail::refs_of(saved);
    detail::attach(name, outputs, in.data(), in.size(), kept.data(), kept.size(), save == SaveOutputs::Yes,
                   std::forward<Fn>(fn));
  }
  return outputs;
}

// An op's name that is not a literal, kept for ever.
const char* interned(const std::string& name);

// In-place ops. Off the tape they call check_inplace() first, write, and advance the version. On the tape,
//
//   void mul_(const Tensor& target, const Tensor& factor) {
//     if (edits_tape(target, factor))
//       return edit_on_tape("mul_", target, [&](const Tensor& before) { return mul(before, factor); });
//     check_inplace("mul_", target);
//     ...
//
// the op runs out of place, and `target` and all views of its memory go on with the result: see autograd/edits.cpp.

// Throws when `target` requires grad (while grad is enabled), is a broadcast view or read-only memory. A detached view
// of a tensor on the tape may be edited: the version check finds it in the backward.
void check_inplace(const char* op, const Tensor& target);
// Whether an op on these would be recorded.
inline bool on_tape(TensorRefs inputs) { return grad_enabled() && detail::any_requires_grad(inputs); }
namespace detail {
bool views_require_grad(const Tensor& target);  // another tensor that views the memory of target
Tensor begin_edit(const char* op, const Tensor& target);
void finish_edit(const char* op, const Tensor& target, const Tensor& result);
}  // namespace detail

// Whether an edit of `target`, with `operand` if there is one, changes something on the tape.
inline bool edits_tape(const Tensor& target, const Tensor& operand = Tensor()) {
  return grad_enabled() && (target.requires_grad() || (operand.defined() && operand.requires_grad()) ||
                            detail::views_require_grad(target));
}

// `target` becomes out_of_place(before), of the same shape and dtype, where `before` is what target was. Throws when
// target or a view of its memory is a leaf that requires grad, or when a NumPy array or a detached tensor shares its
// memory and would not follow.
template <class Op>
void edit_on_tape(const char* op, const Tensor& target, Op&& out_of_place) {
  const Tensor before = detail::begin_edit(op, target);
  detail::finish_edit(op, target, out_of_place(before));
}

}  // namespace needlecpp
