// Edits in place on the tape.
//
// What an edit means must not depend on whether gradients flow: it changes the memory that every view sees. But memory
// that a backward pass will read has to stay as it is. So the op runs out of place, and then
//
//   - a tensor that is alone with its memory takes over the result's, which costs nothing;
//   - otherwise the result is written where the tensor lies: into that memory if no node of the tape keeps it,
//     else into a copy of it, to which all who see the memory move.
//
// Who sees the memory is known: view() links a tensor and its views into a ring (ViewRing), and the edit goes around
// it. Each that overlaps what was written gets a node of its own, whose gradient goes to the tensor as it was where it
// was kept and to the result where it was written (engine::gradient_of_kept, gradient_of_written). No view is special:
// the tensor that was there first is one of the ring. Hence x[1:] += y edits x through a view, and the assignment that
// Python adds finds in its place what it is to write.
//
// Refused is what could not follow: memory with owners that are not in the ring (NumPy arrays, detached tensors),
// memory of others that the tape keeps, and anything that would turn a leaf into the result of an op.
#include <utility>
#include <vector>

#include "autograd/engine_ops.h"
#include "needlecpp/autograd/function.h"

namespace needlecpp {
namespace {

void check_writable(const char* op, const Tensor& target) {
  for (int axis = 0; axis < target.rank(); ++axis)
    NDL_CHECK(target.shape()[axis] <= 1 || target.strides()[axis] != 0, ValueError, op,
              "in-place edit of a broadcast view: got one element standing for several on axis ", axis,
              ", expected one each. Clone it first.");
  NDL_CHECK(!target.impl()->storage->read_only(), ValueError, op,
            "in-place edit of read-only memory: got a tensor that wraps a read-only array, expected a writable one. "
            "Clone it first.");
}

// Calls visit(impl) for every tensor that views the memory of target, itself first, with the ring locked.
template <class Visit>
void for_each_view(TensorImpl& target, Visit&& visit) {
  if (!target.views.linked) return visit(target);
  const ViewLock lock(target);
  TensorImpl* at = &target;
  do {
    visit(*at);
    at = at->views.next;
  } while (at != &target);
}

engine::Place place_of(const TensorImpl& impl) { return {impl.offset, impl.shape, impl.strides}; }

bool may_overlap(const TensorImpl& a, const TensorImpl& b) {
  if (a.numel == 0 || b.numel == 0) return false;
  const auto range = [](const TensorImpl& x) {
    std::pair<int64_t, int64_t> ends{x.offset, x.offset};
    for (int axis = 0; axis < x.shape.size(); ++axis) {
      const int64_t reach = (x.shape[axis] - 1) * x.strides[axis];
      (reach < 0 ? ends.first : ends.second) += reach;
    }
    return ends;
  };
  const auto [first_a, last_a] = range(a);
  const auto [first_b, last_b] = range(b);
  return first_a <= last_b && first_b <= last_a;
}

// What a tensor had that goes on in other memory, at another place of the tape: it may own the last reference to
// something of Python's, which must not die while the ring is locked.
struct Past {
  std::shared_ptr<Storage> storage;
  std::shared_ptr<Node> node;
  std::shared_ptr<TensorImpl> retained;
};

// The gradient that retain_grad() asked for is that of the tensor as it is now.
std::shared_ptr<TensorImpl> move_retained(const TensorImpl& tensor, const Node& before, int output) {
  const std::shared_ptr<GradientHooks> hooks = before.outputs[static_cast<size_t>(output)].hooks;
  if (!hooks || !tensor.node) return nullptr;
  std::shared_ptr<TensorImpl> retained = hooks->retained_tensor();
  if (retained.get() != &tensor) return retained;
  retain_grad(Tensor(retained));
  const std::lock_guard lock(hooks->mutex);
  hooks->retained.reset();
  return retained;
}

Past go_on(TensorImpl& tensor, const std::shared_ptr<Storage>& storage, const TensorImpl& on_tape) {
  Past past{std::exchange(tensor.storage, storage), std::exchange(tensor.node, on_tape.node), nullptr};
  const int output = std::exchange(tensor.output, on_tape.output);
  tensor.requires_grad = on_tape.requires_grad;
  if (past.node && past.node != tensor.node) past.retained = move_retained(tensor, *past.node, output);
  return past;
}

std::shared_ptr<Storage> copy_of(const Tensor& x) {
  const NoGrad no_grad;
  const int64_t elements = static_cast<int64_t>(x.impl()->storage->bytes() / itemsize(x.dtype()));
  TensorImpl all;
  all.storage = x.impl()->storage;
  all.shape = {elements};
  all.strides = {1};
  all.numel = elements;
  all.dtype = x.dtype();
  return engine::contiguous_copy(Tensor(std::make_shared<TensorImpl>(all))).impl()->storage;
}

}  // namespace

void check_inplace(const char* op, const Tensor& target) {
  NDL_CHECK(!(grad_enabled() && target.requires_grad()), Error, op,
            "in-place edit of a tensor on the tape: got one that requires grad, expected one that does not. Use an "
            "op out of place, detach() or no_grad().");
  check_writable(op, target);
}

namespace detail {

bool views_require_grad(const Tensor& target) {
  TensorImpl& impl = *target.impl();
  if (!impl.views.linked) return false;
  bool found = false;
  for_each_view(impl, [&](const TensorImpl& view) { found = found || view.requires_grad; });
  return found;
}

Tensor begin_edit(const char* op, const Tensor& target) {
  check_writable(op, target);
  TensorImpl& impl = *target.impl();
  const std::shared_ptr<Storage>& storage = impl.storage;
  int64_t views = 0;
  bool leaf = false;
  bool gradient = false;
  for_each_view(impl, [&](const TensorImpl& view) {
    ++views;
    leaf = leaf || (view.requires_grad && !view.node);
    gradient = gradient || view.requires_grad;
  });
  NDL_CHECK(!leaf, Error, op, "in-place edit of a leaf", target.is_leaf() && target.requires_grad() ? "" : "'s memory",
            ": got a tensor that requires grad and is no op's result, expected no leaf. Use no_grad() to change its "
            "value, or an op out of place.");
  NDL_CHECK(impl.requires_grad || !impl.views.of_gradient || !gradient, Error, op,
            "in-place edit of a view that was made under no_grad(): got a view of a tensor on the tape, expected one "
            "on the tape too. Make the view with gradients on, or edit under no_grad().");
  const int64_t others = storage.use_count() - storage->kept() - views;
  NDL_CHECK(others == 0, Error, op, "in-place edit on the tape of memory that is shared: got ", others,
            " more owners (NumPy arrays, detached tensors), expected none, for they would keep the old values. Use an "
            "op out of place, or clone it first.");
  // What others may see is written to itself, so the tape must not come to keep it.
  if (storage->foreign()) return engine::contiguous_copy(target);
  return Tensor(std::make_shared<TensorImpl>(impl));
}

void finish_edit(const char* op, const Tensor& target, const Tensor& result) {
  NDL_CHECK(result.shape() == target.shape(), ValueError, op, "the result does not fit in place: got shape ",
            result.shape(), ", expected ", target.shape(), ".");
  NDL_CHECK(result.dtype() == target.dtype(), TypeError, op, "the result does not fit in place: got ",
            name(result.dtype()), ", expected ", name(target.dtype()), ". Cast first.");
  TensorImpl& impl = *target.impl();
  const std::shared_ptr<Storage> old = impl.storage;
  int64_t views = 0;
  for_each_view(impl, [&](const TensorImpl&) { ++views; });

  if (views == 1 && !old->foreign()) {
    const std::shared_ptr<Storage>& storage = result.impl()->storage;
    const bool shared = storage != old && storage.use_count() - storage->kept() > 1;
    const Tensor own = shared ? engine::contiguous_copy(result) : result;
    const Past past = go_on(impl, own.impl()->storage, *own.impl());
    impl.offset = own.offset();
    impl.strides = own.strides();
    impl.contiguous = own.is_contiguous();
    return;
  }

  std::shared_ptr<Storage> memory = old;
  if (old->kept() > 0) {
    NDL_CHECK(!old->foreign(), Error, op,
              "in-place edit of an array's memory that a backward pass will read: got a tensor that shares a NumPy "
              "array's memory, expected one of its own. Clone it first.");
    memory = copy_of(target);
  }
  TensorImpl written(impl);
  written.storage = memory;
  const Tensor at_place(std::make_shared<TensorImpl>(written));
  const bool there =
      result.impl()->storage == memory && result.offset() == target.offset() && result.strides() == target.strides();
  if (!there) engine::write(at_place, result);
  memory->bump_version(op);

  std::vector<Past> pasts;
  pasts.reserve(static_cast<size_t>(views) + 1);
  const engine::Place edited = place_of(impl);
  for_each_view(impl, [&](TensorImpl& view) {
    if (&view == &impl) {
      pasts.push_back(go_on(view, memory, *result.impl()));
      return;
    }
    auto after = std::make_shared<TensorImpl>(view);
    after->storage = memory;
    if (may_overlap(view, impl) && (view.requires_grad || result.requires_grad())) {
      const Tensor before(std::make_shared<TensorImpl>(view));
      after->requires_grad = false;
      after->node = nullptr;
      record(op, Tensor(after), {before, result}, {}, [seen = place_of(view), edited](Backward& g) {
        g.give(0, engine::gradient_of_kept(g.dy(), seen, edited));
        if (g.needs(1)) g.give(1, engine::gradient_of_written(g.dy(), seen, edited));
      });
    }
    pasts.push_back(go_on(view, memory, *after));
  });
}

}  // namespace detail
}  // namespace needlecpp
