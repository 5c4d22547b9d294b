// Products with the Jacobian, and checkpoints. What these share is a second tape: inputs are detached into fresh
// leaves, so that a sweep over fn ends at them.
#include "needlecpp/autograd/transforms.h"

#include <set>
#include <unordered_set>

#include "needlecpp/autograd/function.h"
#include "needlecpp/core/random.h"

namespace needlecpp {
namespace {

// Each input under a handle of its own: a fresh leaf, or with `on_tape` a recorded alias that leads on to the input.
Tensors separate(const Tensors& inputs, bool on_tape) {
  Tensors result;
  for (const Tensor& x : inputs) {
    if (on_tape && x.requires_grad())
      result.push_back(record("alias", x.detach(), {x}, {}, [](Backward& g) { g.give(0, g.dy()); }));
    else
      result.push_back(is_floating(x.dtype()) ? x.detach().set_requires_grad(true) : x.detach());
  }
  return result;
}

Tensors floating(const Tensors& tensors) {
  Tensors result;
  for (const Tensor& x : tensors)
    if (x.requires_grad()) result.push_back(x);
  return result;
}

// Of x's shape and of the dtype that its gradient would have.
Tensor no_gradient(const Tensor& x) {
  return Tensor::zeros(x.shape(), is_floating(x.dtype()) ? x.dtype() : DType::Float32, x.device());
}

// gradients (of the inputs that have any) spread over all inputs; zeros elsewhere.
Tensors align(const Tensors& gradients, const Tensors& inputs) {
  Tensors result;
  size_t next = 0;
  for (const Tensor& x : inputs) result.push_back(x.requires_grad() ? gradients[next++] : no_gradient(x));
  return result;
}

Tensors detached(const Tensors& tensors) {
  Tensors result;
  for (const Tensor& x : tensors) result.push_back(x.detach());
  return result;
}

// A handle that stands for a place on the tape: what grad() needs of an input.
Tensor place_of(const Node::Edge& edge) {
  if (edge.leaf) return Tensor(edge.leaf);
  auto impl = std::make_shared<TensorImpl>();
  impl->shape = edge.shape;
  impl->dtype = edge.dtype;
  impl->requires_grad = true;
  impl->node = edge.node;
  impl->output = edge.output;
  return Tensor(std::move(impl));
}

// Where the tape of `outputs`, recorded since `start`, reads from: leaves and results of earlier ops, each once and in
// an order that depends on the computation alone; `own` leaves are left out.
Tensors captured(const Tensors& outputs, uint64_t start, const Tensors& own) {
  std::unordered_set<const void*> seen;
  for (const Tensor& x : own) seen.insert(x.impl().get());
  std::vector<Node*> queue;
  for (const Tensor& y : outputs)
    if (Node* node = y.impl()->node.get(); node && seen.insert(node).second) queue.push_back(node);
  std::set<std::pair<Node*, int>> places;
  Tensors result;
  for (size_t i = 0; i < queue.size(); ++i)
    for (const Node::Edge& edge : queue[i]->inputs) {
      if (edge.leaf) {
        if (seen.insert(edge.leaf.get()).second) result.push_back(place_of(edge));
      } else if (edge.node && edge.node->sequence < start) {
        if (places.emplace(edge.node.get(), edge.output).second) result.push_back(place_of(edge));
      } else if (edge.node && seen.insert(edge.node.get()).second) {
        queue.push_back(edge.node.get());
      }
    }
  return result;
}

}  // namespace

std::pair<Tensors, Tensors> vjp(const TensorFunction& fn, const Tensors& inputs, const Tensors& dys,
                                bool create_graph) {
  GradMode mode(true);
  const Tensors leaves = separate(inputs, create_graph);
  const Tensors outputs = fn(leaves);
  NDL_CHECK(dys.empty() || dys.size() == outputs.size(), ValueError, "vjp", "wrong number of vectors: got ", dys.size(),
            ", expected one an output, ", outputs.size(), ".");
  Tensors differentiable;
  Tensors vectors;
  for (size_t k = 0; k < outputs.size(); ++k) {
    const Tensor dy = dys.empty() ? Tensor() : dys[k];
    if (outputs[k].requires_grad()) {
      differentiable.push_back(outputs[k]);
      vectors.push_back(dy);
    } else {
      NDL_CHECK(dy.defined() ? dy.shape() == outputs[k].shape() : outputs[k].numel() == 1, ValueError, "vjp",
                "the vector of output ", k, " does not fit: got ", dy.defined() ? to_string(dy.shape()) : "none",
                ", expected shape ", outputs[k].shape(), ".");
    }
  }
  const Tensors products = align(grad(differentiable, floating(leaves), vectors, create_graph, create_graph), leaves);
  return {create_graph ? outputs : detached(outputs), products};
}

std::pair<Tensors, Tensors> jvp(const TensorFunction& fn, const Tensors& inputs, const Tensors& tangents,
                                bool create_graph) {
  NDL_CHECK(tangents.size() == inputs.size(), ValueError, "jvp", "wrong number of tangents: got ", tangents.size(),
            ", expected one an input, ", inputs.size(), ".");
  GradMode mode(true);
  const Tensors leaves = separate(inputs, create_graph);
  const Tensors outputs = fn(leaves);
  // g(v) = J^T v is linear in v, so that d<g(v), tangents>/dv = J tangents at any v.
  Tensors vectors;
  Tensors differentiable;
  for (const Tensor& y : outputs)
    if (y.requires_grad()) {
      vectors.push_back(Tensor::zeros(y.shape(), y.dtype(), y.device()).set_requires_grad(true));
      differentiable.push_back(y);
    }
  Tensors products;
  if (!differentiable.empty()) {
    const Tensors pulled = grad(differentiable, floating(leaves), vectors, true, true);
    Tensors dependent;
    Tensors along;
    size_t next = 0;
    for (size_t i = 0; i < leaves.size(); ++i) {
      if (!leaves[i].requires_grad()) continue;
      const Tensor& g = pulled[next++];
      if (!g.requires_grad()) continue;  // fn does not depend on it
      dependent.push_back(g);
      along.push_back(tangents[i]);
    }
    if (!dependent.empty()) products = grad(dependent, vectors, along, create_graph, create_graph);
  }
  Tensors result;
  size_t next = 0;
  for (const Tensor& y : outputs) {
    const bool known = y.requires_grad() && !products.empty();
    result.push_back(known ? products[next++] : no_gradient(y));
  }
  return {create_graph ? outputs : detached(outputs), result};
}

Tensors checkpoint(const TensorFunction& fn, const Tensors& inputs) {
  if (!grad_enabled()) return fn(inputs);
  // A stream of its own gives both runs the same numbers, whatever other threads draw meanwhile.
  const Generator::Key key = default_generator().next();
  const Generator stream(key.seed ^ (key.draw * 0x9E3779B97F4A7C15u));
  const auto run = [fn, stream](const Tensors& arguments) {
    Generator generator = stream;
    const GeneratorScope scope(generator);
    return fn(arguments);
  };
  const uint64_t start = detail::next_sequence();
  Tensors own;  // as the inputs, but cut off from their tape
  for (const Tensor& x : inputs) own.push_back(x.requires_grad() ? x.detach().set_requires_grad(true) : x);
  Tensors outputs = run(own);
  const Tensors others = captured(outputs, start, own);
  outputs = detached(outputs);  // drops the tape of this first run

  Tensors sources = inputs;
  sources.insert(sources.end(), others.begin(), others.end());
  const size_t count = inputs.size();
  return record("checkpoint", outputs, sources, inputs, [run, count, others](Backward& g) {
    const bool recording = Backward::recording();
    GradMode mode(true);
    Tensors again;
    Tensors wanted;
    std::vector<int> positions;
    for (size_t i = 0; i < count + others.size(); ++i) {
      const int at = static_cast<int>(i);
      if (i < count) {
        const Tensor x = g.saved(at);
        again.push_back(x.requires_grad() ? separate({x}, recording)[0] : x);
      }
      if (!g.needs(at)) continue;
      wanted.push_back(i < count ? again[i] : others[i - count]);
      positions.push_back(at);
    }
    const uint64_t restart = detail::next_sequence();
    const Tensors results = run(again);
    NDL_CHECK(static_cast<int>(results.size()) == g.n_outputs(), Error, "checkpoint",
              "the function gave something else the second time: got ", results.size(), " results, expected ",
              g.n_outputs(), ". Make it depend on nothing but tensors.");
    Tensors differentiable;
    Tensors dys;
    for (size_t k = 0; k < results.size(); ++k)
      if (const Tensor dy = g.dy(static_cast<int>(k)); dy.defined() && results[k].requires_grad()) {
        differentiable.push_back(results[k]);
        dys.push_back(dy);
      }
    if (differentiable.empty()) return;
    const Tensors gradients = detail::grad_since(restart, differentiable, wanted, dys, recording, recording);
    for (size_t i = 0; i < wanted.size(); ++i) g.give(positions[i], gradients[i]);
  });
}

}  // namespace needlecpp
