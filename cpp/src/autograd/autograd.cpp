// The tape and the reverse sweep.
//
// An op that has an input requiring grad records a Node: its inputs as edges to the nodes that made them (or to the
// leaf itself), the tensors its backward will read, and the backward as a lambda. Tensors own their node, nodes own the
// nodes they read from; nothing points forward, so dropping the result of a computation frees its tape.
//
// The sweep. Nodes carry a sequence number, taken when they were recorded. A node can only read tensors that existed
// then, so every consumer of a node has a larger number than the node: taking the pending node with the largest number
// off a heap is a topological order, found without counting edges and without recursion. When a node comes up, all the
// gradients of its outputs have arrived; its lambda turns them into gradients of its inputs, and these are added to the
// pending gradients of the nodes the edges lead to, or to .grad of a leaf. grad() first marks the nodes on a path to a
// requested input and visits no others.
//
// Accumulation is in place where nobody else can see the buffer: a pending gradient whose handle and storage are
// ours alone. The first gradient to arrive is kept as it is (often a view or the very tensor another edge holds), so
// the check is made at the second.
//
// Broadcasting is undone here, once: an op may give a gradient of the broadcast shape, the edge knows the input's
// shape, and sum_to brings it back. The same goes for dtypes.
//
// Saved tensors keep the version their storage had. An in-place edit in between makes the derivative wrong, so it is
// an error that names both ops. What is saved is the memory and its description, not the tensor: an edit on the tape
// gives the tensor other memory, and a result that its own backward reads (exp, tanh) would own the node that owns it.
// After its turn a node's saved tensors and lambda are dropped, unless retain_graph.
//
// create_graph runs the lambdas with grad enabled: plain ops record their own backward. Fused ops replay their composed
// twin then (Backward::through_twin).
//
// Threads may sweep at once, over one tape and into the same leaves: what they can meet at is guarded by guard_of().
// Nothing dies while such a lock is held: a Python object that does needs the interpreter's lock, whose holder may be
// waiting for this one.
//
// Hooks see a gradient when it is complete: for the result of an op when its node comes up, for a leaf with hooks at
// the end of the sweep, until which its gradient is held back.
//
// Read Sweep::run() first.
#include "needlecpp/autograd/autograd.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <queue>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "autograd/engine_ops.h"
#include "needlecpp/autograd/function.h"

namespace needlecpp {
namespace {

thread_local bool g_grad_enabled = true;
thread_local bool g_anomaly_detection = false;
std::atomic<uint64_t> g_sequence{1};

struct AnomalyPause {
  bool before = std::exchange(g_anomaly_detection, false);
  ~AnomalyPause() { g_anomaly_detection = before; }
};

// The lock of the work and hooks of a node, or of the gradient and hooks of a leaf: one of a few, by address.
std::mutex& guard_of(const void* owner) {
  static std::array<std::mutex, 64> guards;
  return guards[(reinterpret_cast<uintptr_t>(owner) >> 6) % guards.size()];
}

void check_version(const char* op, const char* what, uint32_t saved, const Storage& storage) {
  NDL_CHECK(storage.version() == saved, Error, op, what, " was changed in place by ", storage.last_writer(),
            " after it was saved for the backward pass: got version ", storage.version(), ", expected ", saved,
            ". Clone it before the edit.");
}

// The gradient after the hooks.
Tensor run_hooks(const std::shared_ptr<GradientHooks>& hooks, Tensor gradient) {
  if (!hooks) return gradient;
  std::unique_lock lock(hooks->mutex);
  const auto entries = hooks->entries;  // a hook may remove itself
  lock.unlock();
  for (const auto& [id, hook] : entries) {
    const Tensor changed = hook(gradient);
    if (!changed.defined()) continue;
    NDL_CHECK(changed.shape() == gradient.shape() && changed.dtype() == gradient.dtype(), ValueError, "hook",
              "the gradient returned does not fit: got ", changed.shape(), " ", name(changed.dtype()), ", expected ",
              gradient.shape(), " ", name(gradient.dtype()), ".");
    NDL_CHECK(changed.device() == gradient.device(), TypeError, "hook",
              "tensors on different devices: got a gradient on ", to_string(changed.device()), ", expected ",
              to_string(gradient.device()), ". Move it with to().");
    gradient = changed;
  }
  return gradient;
}

// Whether a gradient that the user can see may be added to where it is, rather than replaced by a sum.
bool may_add_into(const Tensor& gradient) {
  return gradient.is_contiguous() && !gradient.requires_grad() && !gradient.impl()->storage->read_only();
}

// Where a requested gradient is to be found: at an output of a node or at a leaf.
struct Request {
  std::vector<std::pair<int, size_t>> outputs;  // output of the node, index of the request
};

class Sweep {
 public:
  // Nodes recorded before `oldest` are not run: gradients are requested there at most.
  Sweep(bool retain, bool create, uint64_t oldest = 0) : retain_(retain || create), create_(create), oldest_(oldest) {}

  void request(const Tensor& input, size_t index) {
    if (input.impl()->node)
      node_requests_[input.impl()->node.get()].outputs.emplace_back(input.impl()->output, index);
    else
      leaf_requests_[input.impl().get()].push_back(index);
    results_.resize(std::max(results_.size(), index + 1));
    restricted_ = true;
  }

  void seed(const Tensor& output, const Tensor& dy) {
    Node::Edge edge;
    edge.node = output.impl()->node;
    edge.output = output.impl()->output;
    if (!edge.node && output.requires_grad()) edge.leaf = output.impl();
    deliver(edge, dy);
  }

  void mark_useful(const Tensors& outputs);
  void run();
  Tensors take_results() { return std::move(results_); }

 private:
  struct Pending {
    std::shared_ptr<Node> node;
    Tensors dys;
  };
  struct Later {
    bool operator()(const Node* a, const Node* b) const { return a->sequence < b->sequence; }
  };

  void deliver(const Node::Edge& edge, Tensor gradient);
  void finish_leaves();
  void accumulate(Tensor& slot, const Tensor& gradient) const;
  void accumulate_leaf(const std::shared_ptr<TensorImpl>& leaf, const Tensor& gradient) const;

  bool retain_;
  bool create_;
  uint64_t oldest_;
  bool restricted_ = false;
  std::unordered_map<Node*, Pending> pending_;
  std::priority_queue<Node*, std::vector<Node*>, Later> ready_;
  std::unordered_map<Node*, Request> node_requests_;
  std::unordered_map<TensorImpl*, std::vector<size_t>> leaf_requests_;
  std::unordered_map<std::shared_ptr<TensorImpl>, Tensor> hooked_leaves_;
  std::unordered_set<Node*> useful_;
  Tensors results_;
};

void Sweep::mark_useful(const Tensors& outputs) {
  std::vector<Node*> reachable;
  std::unordered_set<Node*> seen;
  for (const Tensor& output : outputs)
    if (Node* node = output.impl()->node.get(); node && seen.insert(node).second) reachable.push_back(node);
  for (size_t i = 0; i < reachable.size(); ++i)
    for (const Node::Edge& edge : reachable[i]->inputs)
      if (edge.node && seen.insert(edge.node.get()).second) reachable.push_back(edge.node.get());
  std::sort(reachable.begin(), reachable.end(), [](Node* a, Node* b) { return a->sequence < b->sequence; });
  for (Node* node : reachable)
    for (const Node::Edge& edge : node->inputs)
      if (node->sequence < oldest_)
        break;
      else if ((edge.leaf && leaf_requests_.count(edge.leaf.get())) ||
               (edge.node && (useful_.count(edge.node.get()) || node_requests_.count(edge.node.get())))) {
        useful_.insert(node);
        break;
      }
}

void Sweep::accumulate(Tensor& slot, const Tensor& gradient) const {
  if (!slot.defined()) {
    slot = gradient;
    return;
  }
  const bool ours = !create_ && slot.impl().use_count() == 1 && slot.impl()->storage.use_count() == 1 &&
                    slot.is_contiguous() && !slot.impl()->storage->read_only();
  if (ours)
    engine::add_in_place(slot, gradient);
  else
    slot = engine::add(slot, gradient);
}

void Sweep::accumulate_leaf(const std::shared_ptr<TensorImpl>& leaf, const Tensor& gradient) const {
  std::shared_ptr<TensorImpl> before;  // dies after the lock
  const std::lock_guard lock(guard_of(leaf.get()));
  if (leaf->gradient) {
    const Tensor existing(leaf->gradient);
    if (!create_ && may_add_into(existing)) {
      engine::add_in_place(existing, gradient);
      existing.bump_version("backward");
    } else {
      before = std::exchange(leaf->gradient, engine::add(existing, gradient).impl());
    }
    return;
  }
  // Keep the arriving tensor when it is on a tape or this handle is the only one; another leaf may be given the same
  // tensor next, and later gradients are added to it where it is.
  const bool ours = gradient.is_contiguous() && gradient.impl().use_count() == 1 &&
                    gradient.impl()->storage.use_count() == 1 && !gradient.impl()->storage->read_only();
  leaf->gradient = (gradient.requires_grad() || ours ? gradient : engine::contiguous_copy(gradient)).impl();
}

void Sweep::deliver(const Node::Edge& edge, Tensor gradient) {
  if (edge.leaf) {
    NDL_CHECK(gradient.dtype() == edge.leaf->dtype && gradient.device() == edge.leaf->storage->device(), Error,
              "backward", "a leaf is not what it was in the forward pass: got a gradient of ", name(gradient.dtype()),
              " on ", to_string(gradient.device()), ", expected ", name(edge.leaf->dtype), " on ",
              to_string(edge.leaf->storage->device()), ". Run the forward pass again after moving the leaf.");
    if (!restricted_) {
      if (edge.leaf->hooks)
        accumulate(hooked_leaves_[edge.leaf], gradient);
      else
        accumulate_leaf(edge.leaf, gradient);
    } else if (auto found = leaf_requests_.find(edge.leaf.get()); found != leaf_requests_.end()) {
      for (size_t index : found->second) accumulate(results_[index], gradient);
    }
    return;
  }
  if (!edge.node) return;
  if (restricted_ && !useful_.count(edge.node.get()) && !node_requests_.count(edge.node.get())) return;
  auto [at, added] = pending_.try_emplace(edge.node.get());
  if (added) {
    at->second.node = edge.node;
    at->second.dys.resize(edge.node->outputs.size());
    ready_.push(edge.node.get());
  }
  accumulate(at->second.dys[edge.output], gradient);
}

void Sweep::finish_leaves() {
  for (const auto& [leaf, gradient] : hooked_leaves_) accumulate_leaf(leaf, run_hooks(leaf->hooks, gradient));
  for (const auto& [leaf, indices] : leaf_requests_)
    for (size_t index : indices)
      if (results_[index].defined()) results_[index] = run_hooks(leaf->hooks, results_[index]);
}

void Sweep::run() {
  GradMode mode(create_);
  while (!ready_.empty()) {
    Node* node = ready_.top();
    ready_.pop();
    auto at = pending_.find(node);
    const std::shared_ptr<Node> keep = std::move(at->second.node);
    Tensors dys = std::move(at->second.dys);
    pending_.erase(at);
    for (size_t k = 0; k < dys.size(); ++k) {
      std::unique_lock lock(guard_of(node));
      const std::shared_ptr<GradientHooks> hooks = node->outputs[k].hooks;
      lock.unlock();
      if (!hooks || !dys[k].defined()) continue;
      dys[k] = run_hooks(hooks, dys[k]);
      if (const std::shared_ptr<TensorImpl> retained = hooks->retained_tensor(); retained && !restricted_) {
        std::shared_ptr<TensorImpl> gradient = dys[k].impl();
        const std::lock_guard guard(guard_of(retained.get()));
        retained->gradient.swap(gradient);
      }
    }
    if (auto found = node_requests_.find(node); found != node_requests_.end())
      for (auto [output, index] : found->second.outputs)
        if (dys[output].defined()) results_[index] = dys[output];
    if (restricted_ && !useful_.count(node)) continue;

    std::shared_ptr<const Node::Work> work;
    {
      const std::lock_guard lock(guard_of(node));
      work = node->work;
    }
    NDL_CHECK(work, Error, "backward", "the graph was freed by an earlier sweep: got a second backward through ",
              node->name, ", expected one. Pass retain_graph=True to the first.");
    Tensors gradients;
    {
      OpScope scope(node->name);
      Backward context(*node, work, dys, !restricted_ && !create_);
      {
        const AnomalyPause pause;  // the node is named, not an op in its lambda
        context.run();
      }
      gradients = context.take_gradients();
      if (g_anomaly_detection) {
        const std::vector<TensorRef> refs = detail::refs_of(dys);
        detail::check_made_nan(interned(std::string(node->name) + " backward"), gradients.data(), gradients.size(),
                               refs.data(), refs.size());
      }
      dys.clear();
    }
    if (!retain_) {
      const std::lock_guard lock(guard_of(node));
      node->work.reset();
    }
    work.reset();
    for (size_t i = 0; i < gradients.size(); ++i) {
      if (!gradients[i].defined()) continue;
      const Node::Edge& edge = node->inputs[i];
      Tensor gradient = std::move(gradients[i]);
      if (gradient.dtype() != edge.dtype) gradient = engine::cast(gradient, edge.dtype);
      if (!(gradient.shape() == edge.shape)) gradient = engine::sum_to(gradient, edge.shape);
      deliver(edge, std::move(gradient));
    }
  }
  finish_leaves();
}

// Checks the pairs (output, dy) and fills in ones.
Tensors checked_dys(const Tensors& outputs, const Tensors& dys) {
  NDL_CHECK(dys.empty() || dys.size() == outputs.size(), ValueError, "backward", "wrong number of gradients: got ",
            dys.size(), ", expected ", outputs.size(), ".");
  Tensors result;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const Tensor& output = outputs[i];
    NDL_CHECK(output.defined() && output.requires_grad(), Error, "backward",
              "nothing to differentiate: got a tensor that does not require grad, expected one made from tensors with "
              "requires_grad=True.");
    Tensor dy = dys.empty() ? Tensor() : dys[i];
    if (!dy.defined()) {
      NDL_CHECK(output.numel() == 1, ValueError, "backward", "a gradient is needed for a non-scalar: got shape ",
                output.shape(), ", expected one element. Pass dy or reduce to a scalar first.");
      dy = Tensor::ones(output.shape(), output.dtype(), output.device());
    }
    NDL_CHECK(dy.shape() == output.shape(), ValueError, "backward", "gradient does not fit: got shape ", dy.shape(),
              ", expected ", output.shape(), ".");
    NDL_CHECK(dy.device() == output.device(), TypeError, "backward", "tensors on different devices: got a gradient on ",
              to_string(dy.device()), ", expected ", to_string(output.device()), ". Move it with to().");
    if (dy.dtype() != output.dtype()) dy = engine::cast(dy, output.dtype());
    result.push_back(dy);
  }
  return result;
}

}  // namespace

bool grad_enabled() { return g_grad_enabled; }
void set_grad_enabled(bool enabled) { g_grad_enabled = enabled; }
bool anomaly_detection() { return g_anomaly_detection; }
void set_anomaly_detection(bool enabled) { g_anomaly_detection = enabled; }

void HookHandle::remove() {
  const std::shared_ptr<GradientHooks> hooks = hooks_.lock();
  if (!hooks) return;
  GradientHook removed;
  const std::lock_guard lock(hooks->mutex);
  auto& entries = hooks->entries;
  const auto at = std::find_if(entries.begin(), entries.end(), [this](const auto& e) { return e.first == id_; });
  if (at == entries.end()) return;
  removed = std::move(at->second);
  entries.erase(at);
}

namespace {

std::shared_ptr<GradientHooks> hooks_of(const char* op, const Tensor& x) {
  NDL_CHECK(x.requires_grad(), Error, op, "no gradient will arrive: got a tensor that does not require grad, ",
            "expected one that does.");
  TensorImpl& impl = *x.impl();
  const std::lock_guard lock(guard_of(impl.node ? static_cast<const void*>(impl.node.get()) : &impl));
  auto& hooks = impl.node ? impl.node->outputs[impl.output].hooks : impl.hooks;
  if (!hooks) hooks = std::make_shared<GradientHooks>();
  return hooks;
}

}  // namespace

HookHandle register_hook(const Tensor& x, GradientHook hook) {
  const std::shared_ptr<GradientHooks> hooks = hooks_of("register_hook", x);
  const std::lock_guard lock(hooks->mutex);
  hooks->entries.emplace_back(hooks->next_id, std::move(hook));
  return {hooks, hooks->next_id++};
}

void retain_grad(const Tensor& x) {
  const std::shared_ptr<GradientHooks> hooks = hooks_of("retain_grad", x);
  const std::lock_guard lock(hooks->mutex);
  if (!x.is_leaf()) hooks->retained = x.impl();
}

void backward(const Tensors& outputs, const Tensors& dys, bool retain_graph, bool create_graph) {
  const Tensors seeds = checked_dys(outputs, dys);
  Sweep sweep(retain_graph, create_graph);
  for (size_t i = 0; i < outputs.size(); ++i) sweep.seed(outputs[i], seeds[i]);
  sweep.run();
}

Tensors grad(const Tensors& outputs, const Tensors& inputs, const Tensors& dys, bool retain_graph, bool create_graph) {
  return detail::grad_since(0, outputs, inputs, dys, retain_graph, create_graph);
}

Tensors detail::grad_since(uint64_t oldest, const Tensors& outputs, const Tensors& inputs, const Tensors& dys,
                           bool retain_graph, bool create_graph) {
  const Tensors seeds = checked_dys(outputs, dys);
  Sweep sweep(retain_graph, create_graph, oldest);
  for (size_t i = 0; i < inputs.size(); ++i) {
    NDL_CHECK(inputs[i].defined() && inputs[i].requires_grad(), Error, "grad", "input ", i,
              " does not require grad: got requires_grad=False, expected True.");
    sweep.request(inputs[i], i);
  }
  sweep.mark_useful(outputs);
  for (size_t i = 0; i < outputs.size(); ++i) sweep.seed(outputs[i], seeds[i]);
  sweep.run();
  Tensors results = sweep.take_results();
  results.resize(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i)
    if (!results[i].defined()) results[i] = Tensor::zeros(inputs[i].shape(), inputs[i].dtype(), inputs[i].device());
  return results;
}

void Tensor::backward(const Tensor& dy, bool retain_graph, bool create_graph) const {
  needlecpp::backward({*this}, {dy}, retain_graph, create_graph);
}

// A chain of a million ops must not be freed by a million nested destructors. The outermost one frees what the nodes
// held; those that die of it leave theirs with it.
Node::~Node() {
  struct Remains {
    std::vector<Edge> inputs;
    std::vector<Output> outputs;
    std::shared_ptr<Work> work;
  };
  thread_local std::vector<Remains>* remains_of_thread = nullptr;
  Remains own{std::move(inputs), std::move(outputs), std::move(work)};
  if (remains_of_thread) {
    remains_of_thread->push_back(std::move(own));
    return;
  }
  std::vector<Remains> remains;
  remains_of_thread = &remains;
  remains.push_back(std::move(own));
  while (!remains.empty()) {
    const Remains next = std::move(remains.back());
    remains.pop_back();
  }
  remains_of_thread = nullptr;
}

Tensor Backward::dy_or_zeros(int k) const {
  if (dys_[k].defined()) return dys_[k];
  const Node::Output& output = node_.outputs[k];
  return Tensor::zeros(output.shape, output.dtype, output.device);
}

Tensor Backward::accumulator(int input) const {
  const Node::Edge& edge = node_.inputs[input];
  if (!into_leaves_ || !edge.leaf) return Tensor();
  std::unique_lock lock(guard_of(edge.leaf.get()));
  const Tensor gradient(edge.leaf->gradient);
  lock.unlock();
  if (!gradient.defined()) return Tensor();
  const bool fits = gradient.shape() == edge.shape && gradient.dtype() == edge.dtype && may_add_into(gradient);
  return fits ? gradient : Tensor();
}

Tensor Backward::saved(int i) const {
  const SavedTensor& saved = work_->saved[i];
  if (!saved.defined()) return Tensor();
  check_version(node_.name, "a tensor", saved.version, *saved.storage.get());
  if (saved.leaf) {
    NDL_CHECK(saved.leaf->storage == saved.storage.get(), Error, node_.name,
              "a leaf was moved to another dtype or device after it was saved for the backward pass: got other memory, "
              "expected what was saved. Run the forward pass again.");
    return Tensor(saved.leaf);
  }
  auto impl = std::make_shared<TensorImpl>(saved.handle);
  impl->storage = saved.storage.get();
  return Tensor(std::move(impl));
}

Tensor Backward::output(int k) const {
  const Node::Output& output = node_.outputs[k];
  const std::shared_ptr<Storage>& storage = work_->results[k].get();
  check_version(node_.name, "the result", output.version, *storage);
  auto impl = std::make_shared<TensorImpl>();
  impl->storage = storage;
  impl->offset = output.offset;
  impl->shape = output.shape;
  impl->strides = output.strides;
  impl->numel = numel(output.shape);
  impl->dtype = output.dtype;
  impl->contiguous = output.contiguous;
  impl->requires_grad = is_floating(output.dtype);
  impl->node = node_.shared_from_this();
  impl->output = k;
  return Tensor(std::move(impl));
}

void Backward::through_twin(const std::function<Tensors(const Tensors&)>& twin, const Tensors& inputs) {
  GradMode mode(true);
  // Aliases give each argument its own place on the tape, even when one tensor is passed twice.
  Tensors aliases;
  Tensors wanted;
  std::vector<int> positions;
  for (size_t i = 0; i < inputs.size(); ++i) {
    Tensor alias = inputs[i];
    if (needs(static_cast<int>(i))) {
      alias = record("alias", inputs[i].detach(), {inputs[i]}, {}, [](Backward& b) { b.give(0, b.dy()); });
      wanted.push_back(alias);
      positions.push_back(static_cast<int>(i));
    }
    aliases.push_back(alias);
  }
  const Tensors twin_outputs = twin(aliases);
  Tensors outputs;
  Tensors dys;
  for (size_t k = 0; k < twin_outputs.size(); ++k)
    if (dys_[k].defined() && twin_outputs[k].requires_grad()) {
      outputs.push_back(twin_outputs[k]);
      dys.push_back(dys_[k]);
    }
  if (outputs.empty()) return;
  const Tensors gradients = grad(outputs, wanted, dys, true, true);
  for (size_t i = 0; i < wanted.size(); ++i) give(positions[i], gradients[i]);
}

namespace detail {

uint64_t next_sequence() { return g_sequence.fetch_add(1, std::memory_order_relaxed); }

void check_made_nan(const char* name, const Tensor* outputs, size_t n_outputs, const TensorRef* inputs,
                    size_t n_inputs) {
  const NoGrad no_grad;
  const AnomalyPause pause;  // the check itself is made of ops
  const auto holds_nan = [](const TensorRef& x) { return x.tensor.defined() && engine::has_nan(x.tensor); };
  const bool made =
      std::any_of(outputs, outputs + n_outputs, holds_nan) && std::none_of(inputs, inputs + n_inputs, holds_nan);
  NDL_CHECK(!made, Error, name, "made a NaN: got NaN in its result and none in its inputs, expected numbers. ",
            "Look at the values that went in.");
}

bool any_requires_grad(const Tensors& inputs) {
  for (const Tensor& input : inputs)
    if (input.defined() && input.requires_grad()) return true;
  return false;
}

namespace {

SavedTensor keep(const std::shared_ptr<TensorImpl>& impl) {
  SavedTensor saved;
  saved.storage = KeptStorage(impl->storage);
  saved.version = impl->storage->version();
  if (impl->requires_grad && !impl->node) {
    saved.leaf = impl;
    return saved;
  }
  TensorImpl& handle = saved.handle;
  handle.offset = impl->offset;
  handle.shape = impl->shape;
  handle.strides = impl->strides;
  handle.numel = impl->numel;
  handle.dtype = impl->dtype;
  handle.contiguous = impl->contiguous;
  handle.requires_grad = impl->requires_grad;
  handle.node = impl->node;
  handle.output = impl->output;
  return saved;
}

}  // namespace

void attach(const char* name, const Tensors& outputs, const TensorRef* inputs, size_t n_inputs, const TensorRef* saved,
            size_t n_saved, bool save_outputs, BackwardFn fn) {
  auto node = std::make_shared<Node>();
  node->name = name;
  node->sequence = next_sequence();
  node->work = std::make_shared<Node::Work>();
  Node::Work& work = *node->work;
  work.fn = std::move(fn);
  node->inputs.resize(n_inputs);
  for (size_t i = 0; i < n_inputs; ++i) {
    if (!inputs[i].tensor.defined()) continue;
    const std::shared_ptr<TensorImpl>& impl = inputs[i].tensor.impl();
    Node::Edge& edge = node->inputs[i];
    edge.shape = impl->shape;
    edge.dtype = impl->dtype;
    if (!impl->requires_grad) continue;
    edge.node = impl->node;
    edge.output = impl->output;
    if (!impl->node) edge.leaf = impl;
  }
  work.saved.resize(n_saved);
  for (size_t i = 0; i < n_saved; ++i)
    if (saved[i].tensor.defined()) work.saved[i] = keep(saved[i].tensor.impl());
  node->outputs.resize(outputs.size());
  for (size_t k = 0; k < outputs.size(); ++k) {
    TensorImpl& impl = *outputs[k].impl();
    Node::Output& output = node->outputs[k];
    output.shape = impl.shape;
    output.dtype = impl.dtype;
    output.device = impl.storage->device();
    if (save_outputs) {
      work.results.emplace_back(impl.storage);
      output.offset = impl.offset;
      output.strides = impl.strides;
      output.contiguous = impl.contiguous;
      output.version = impl.storage->version();
    }
    if (!is_floating(impl.dtype)) continue;
    impl.requires_grad = true;
    impl.node = node;
    impl.output = static_cast<int>(k);
  }
}

}  // namespace detail

const char* interned(const std::string& name) {
  static std::mutex mutex;
  static std::unordered_set<std::string> names;
  const std::lock_guard lock(mutex);
  return names.insert(name).first->c_str();
}

}  // namespace needlecpp
