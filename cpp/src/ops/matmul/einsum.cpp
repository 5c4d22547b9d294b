// Contractions of tensors with named axes.
//
// contract() sorts the names of two operands into four kinds: batch (in both, kept), inner (in both, summed), rows (in
// a alone) and cols (in b alone); what stands in one operand alone and is not kept has been summed before. a is then
// seen as [batch..., rows, inner] and b as [batch..., inner, cols], each by permuting its axes and merging those of a
// kind (a copy only where strides cannot express that), and one matmul gives [batch..., rows, cols]. Without inner
// names, or with nothing but a few of them, there is no work for matmul: the operands are multiplied elementwise.
//
// einsum() parses the equation, takes diagonals and contracts pair by pair. Names are the letters' codes; the axes of
// an ellipsis are named from its right end, so that ellipses of different lengths broadcast as NumPy's shapes do.
#include <algorithm>

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/inplace.h"
#include "needlecpp/ops/linalg.h"
#include "needlecpp/ops/matmul.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "ops/matmul/contract.h"

namespace needlecpp {
namespace {

constexpr int kEllipsis = 256;       // the name of an ellipsis' last axis; its others follow
constexpr int64_t kShortInner = 16;  // below this many numbers, a lone inner sum is left to mul and sum
constexpr int kMostBatch = kMaxRank - 2;

bool has(const Labels& labels, int label) { return std::find(labels.begin(), labels.end(), label) != labels.end(); }

int axis_of(const Labelled& x, int label) {
  return static_cast<int>(std::find(x.labels.begin(), x.labels.end(), label) - x.labels.begin());
}

Labels joined(const Labels& a, const Labels& b) {
  Labels all = a;
  all.insert(all.end(), b.begin(), b.end());
  return all;
}

// Whether a name is in neither `other` nor `kept`.
bool has_alone(const Labelled& operand, const Labels& other, const Labels& kept) {
  return std::any_of(operand.labels.begin(), operand.labels.end(),
                     [&](int label) { return !has(other, label) && !has(kept, label); });
}

// Sums over such names.
void sum_alone(Labelled* operand, const Labels& other, const Labels& kept) {
  Dims axes;
  Labels rest;
  for (size_t i = 0; i < operand->labels.size(); ++i) {
    const int label = operand->labels[i];
    if (has(other, label) || has(kept, label))
      rest.push_back(label);
    else
      axes.push_back(static_cast<int64_t>(i));
  }
  if (axes.empty()) return;
  operand->x = cast(sum(operand->x, axes), operand->x.dtype());
  operand->labels = rest;
}

void drop_axis(Labelled* operand, int label) {
  const int axis = axis_of(*operand, label);
  operand->x = squeeze(operand->x, {axis});
  operand->labels.erase(operand->labels.begin() + axis);
}

// Where one operand has size 1 and the other does not, the axis of size 1 is dropped.
void match_sizes(const char* op, Labelled* a, Labelled* b) {
  for (int label : Labels(a->labels)) {
    if (!has(b->labels, label)) continue;
    const int64_t a_size = a->x.shape()[axis_of(*a, label)];
    const int64_t b_size = b->x.shape()[axis_of(*b, label)];
    if (a_size == b_size) continue;
    NDL_CHECK(a_size == 1 || b_size == 1, ValueError, op, "sizes of a shared axis differ: got ", a_size, " and ",
              b_size, " in shapes ", a->x.shape(), " and ", b->x.shape(), ", expected equal sizes or 1.");
    drop_axis(a_size == 1 ? a : b, label);
  }
}

// The axes in `order`, with size 1 where x lacks one.
Tensor spread_out(const Labelled& x, const Labels& order) {
  Labels own;
  for (int label : order)
    if (has(x.labels, label)) own.push_back(label);
  Tensor y = arrange(x, own);
  for (size_t i = 0; i < order.size(); ++i)
    if (!has(x.labels, order[i])) y = unsqueeze(y, static_cast<int64_t>(i));
  return y;
}

int64_t append_sizes(const Labelled& x, const Labels& labels, Shape* shape) {
  int64_t product = 1;
  for (int label : labels) {
    const int64_t size = x.x.shape()[axis_of(x, label)];
    if (shape) shape->push_back(size);
    product *= size;
  }
  return product;
}

// x as [batch..., first, second], the axes of each kind merged.
Tensor as_matrices(const Labelled& x, const Labels& batch, const Labels& first, const Labels& second) {
  Shape shape;
  append_sizes(x, batch, &shape);
  shape.push_back(append_sizes(x, first, nullptr));
  shape.push_back(append_sizes(x, second, nullptr));
  return reshape(arrange(x, joined(batch, joined(first, second))), shape);
}

Tensor walk_together_backward(const Tensor& dy, const Shape& shape, int first, int second) {
  Op op("diagonal_backward", dy);
  const Tensor dx = op.zeros(shape, dy.dtype());
  {
    NoGrad off;
    copy_(walk_together(dx, first, second), dy);
  }
  return op.record(dx, {dy}, {}, [=](Backward& g) { g.give(0, walk_together(g.dy(), first, second)); });
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// The names of one side of a comma; an ellipsis stands for `spread` axes.
Labels parse_term(const std::string& term, int spread) {
  Labels labels;
  bool dots = false;
  for (size_t i = 0; i < term.size(); ++i) {
    if (term[i] != '.') {
      NDL_CHECK(is_letter(term[i]), ValueError, "einsum", "unknown sign in the equation: got '", term[i],
                "', expected letters, '...', ',' and one '->'.");
      labels.push_back(term[i]);
      continue;
    }
    NDL_CHECK(!dots && term.compare(i, 3, "...") == 0, ValueError, "einsum", "bad ellipsis: got '", term,
              "', expected three dots, once.");
    dots = true;
    for (int k = spread - 1; k >= 0; --k) labels.push_back(kEllipsis + k);
    i += 2;
  }
  return labels;
}

struct Equation {
  std::vector<Labels> inputs;
  Labels output;
};

Equation parse(const std::string& text, const Tensors& operands) {
  std::string equation;
  for (char c : text)
    if (c != ' ' && c != '\t' && c != '\n') equation.push_back(c);
  const size_t arrow = equation.find("->");
  std::string left = equation.substr(0, arrow);
  std::vector<std::string> terms;
  for (size_t begin = 0; begin <= left.size();) {
    const size_t end = std::min(left.find(',', begin), left.size());
    terms.push_back(left.substr(begin, end - begin));
    begin = end + 1;
  }
  NDL_CHECK(!operands.empty() && terms.size() == operands.size(), ValueError, "einsum",
            "wrong number of operands: got ", operands.size(), " for '", text, "', expected ", terms.size(), ".");
  Equation parsed;
  int widest = 0;
  for (size_t i = 0; i < terms.size(); ++i) {
    const bool dots = terms[i].find('.') != std::string::npos;
    const int letters = static_cast<int>(parse_term(terms[i], 0).size());
    const int spread = operands[i].rank() - letters;
    NDL_CHECK(dots ? spread >= 0 : spread == 0, ValueError, "einsum", "term does not fit operand ", i, ": got '",
              terms[i], "' for shape ", operands[i].shape(), ", expected one letter for each axis",
              dots ? " or fewer." : ".");
    widest = std::max(widest, spread);
    parsed.inputs.push_back(parse_term(terms[i], spread));
  }
  if (arrow != std::string::npos) {
    parsed.output = parse_term(equation.substr(arrow + 2), widest);
    for (size_t i = 0; i < parsed.output.size(); ++i) {
      const int label = parsed.output[i];
      NDL_CHECK(std::find(parsed.output.begin(), parsed.output.begin() + static_cast<int64_t>(i), label) ==
                    parsed.output.begin() + static_cast<int64_t>(i),
                ValueError, "einsum", "letter twice in the result: got '", text, "', expected each once.");
      NDL_CHECK(std::any_of(parsed.inputs.begin(), parsed.inputs.end(), [&](const Labels& l) { return has(l, label); }),
                ValueError, "einsum", "letter of the result is in no operand: got '", text,
                "', expected letters of the operands.");
    }
    return parsed;
  }
  for (int k = widest - 1; k >= 0; --k) parsed.output.push_back(kEllipsis + k);
  for (int label = 'A'; label <= 'z'; ++label) {
    int64_t times = 0;
    for (const Labels& input : parsed.inputs) times += std::count(input.begin(), input.end(), label);
    if (times == 1) parsed.output.push_back(label);
  }
  return parsed;
}

// Takes diagonals until no name stands twice.
Labelled distinct(Tensor x, Labels labels) {
  for (size_t second = 0; second < labels.size();) {
    const size_t first = static_cast<size_t>(std::find(labels.begin(), labels.end(), labels[second]) - labels.begin());
    if (first == second) {
      ++second;
      continue;
    }
    const int i = static_cast<int>(first);
    const int j = static_cast<int>(second);
    NDL_CHECK(x.shape()[i] == x.shape()[j], ValueError, "einsum", "repeated letter on axes of different size: got ",
              x.shape()[i], " and ", x.shape()[j], " in shape ", x.shape(), ", expected equal sizes.");
    x = walk_together(x, i, j);
    labels.erase(labels.begin() + j);
  }
  return {x, labels};
}

// The names that a contraction of terms i and j must keep.
Labels names_beyond(const std::vector<Labelled>& terms, size_t i, size_t j, const Labels& output) {
  Labels kept = output;
  for (size_t k = 0; k < terms.size(); ++k)
    if (k != i && k != j) kept = joined(kept, terms[k].labels);
  return kept;
}

// By how much the product of terms i and j is larger than both.
double growth(const std::vector<Labelled>& terms, size_t i, size_t j, const Labels& output) {
  const Labels kept = names_beyond(terms, i, j, output);
  double size = 1;
  for (int label : terms[i].labels)
    if (has(kept, label)) size *= static_cast<double>(terms[i].x.shape()[axis_of(terms[i], label)]);
  for (int label : terms[j].labels) {
    if (!has(kept, label)) continue;
    const int64_t own = terms[j].x.shape()[axis_of(terms[j], label)];
    if (!has(terms[i].labels, label) || terms[i].x.shape()[axis_of(terms[i], label)] == 1)
      size *= static_cast<double>(own);
  }
  return size - static_cast<double>(terms[i].x.numel()) - static_cast<double>(terms[j].x.numel());
}

}  // namespace

Tensor walk_together(const Tensor& x, int first, int second) {
  Op op("diagonal", x);
  Shape shape = x.shape();
  Strides strides = x.strides();
  strides[first] += strides[second];
  shape.erase(second);
  strides.erase(second);
  return op.record(x.view(shape, strides, x.offset()), {x}, {},
                   [=](Backward& g) { g.give(0, walk_together_backward(g.dy(), g.input_shape(0), first, second)); });
}

Tensor arrange(const Labelled& x, const Labels& order) {
  Dims axes;
  bool moves = false;
  for (int label : order) {
    axes.push_back(axis_of(x, label));
    moves = moves || axes.back() != axes.size() - 1;
  }
  return moves ? permute(x.x, axes) : x.x;
}

Labelled contract(const char* op, Labelled a, Labelled b, const Labels& kept) {
  const DType result = promote_types(a.x.dtype(), b.x.dtype());
  a.x = cast(a.x, result);
  b.x = cast(b.x, result);
  match_sizes(op, &a, &b);
  if (is_half(result) && (has_alone(a, b.labels, kept) || has_alone(b, a.labels, kept))) {
    // Rounded once, not after each sum.
    Labelled y = contract(op, {cast(a.x, DType::Float32), a.labels}, {cast(b.x, DType::Float32), b.labels}, kept);
    y.x = cast(y.x, result);
    return y;
  }
  sum_alone(&a, b.labels, kept);
  sum_alone(&b, a.labels, kept);
  Labels batch;
  Labels rows;
  Labels cols;
  Labels inner;
  for (int label : a.labels) (!has(b.labels, label) ? rows : has(kept, label) ? batch : inner).push_back(label);
  for (int label : b.labels)
    if (!has(a.labels, label)) cols.push_back(label);

  Labelled y = {Tensor(), joined(batch, joined(rows, cols))};
  const bool lone = rows.empty() && cols.empty();
  if (inner.empty() || (lone && (static_cast<int>(batch.size()) > kMostBatch ||
                                 (!batch.empty() && append_sizes(a, inner, nullptr) < kShortInner)))) {
    Labelled product = {Tensor(), joined(y.labels, inner)};
    const DType summed = is_half(result) && !inner.empty() ? DType::Float32 : result;
    product.x = mul(cast(spread_out(a, product.labels), summed), cast(spread_out(b, product.labels), summed));
    sum_alone(&product, {}, kept);
    product.x = cast(product.x, result);
    return product;
  }
  Shape shape;
  append_sizes(a, joined(batch, rows), &shape);
  append_sizes(b, cols, &shape);
  y.x = reshape(matmul(as_matrices(a, batch, rows, inner), as_matrices(b, batch, inner, cols)), shape);
  return y;
}

Tensor einsum(const std::string& equation, const Tensors& operands) {
  Op op("einsum", operands);
  const Equation parsed = parse(equation, operands);
  DType result = operands[0].dtype();
  for (const Tensor& x : operands) result = promote_types(result, x.dtype());
  if (is_half(result) && operands.size() > 2) {  // rounded once, not between the products
    Tensors wide;
    for (const Tensor& x : operands) wide.push_back(cast(x, DType::Float32));
    return cast(einsum(equation, wide), result);
  }
  std::vector<Labelled> terms;
  for (size_t i = 0; i < operands.size(); ++i) terms.push_back(distinct(operands[i], parsed.inputs[i]));
  while (terms.size() > 1) {
    size_t first = 0;
    size_t second = 1;
    double least = growth(terms, 0, 1, parsed.output);
    for (size_t i = 0; i < terms.size() && terms.size() > 2; ++i)
      for (size_t j = i + 1; j < terms.size(); ++j) {
        const double now = growth(terms, i, j, parsed.output);
        if (now >= least) continue;
        least = now;
        first = i;
        second = j;
      }
    const Labels kept = names_beyond(terms, first, second, parsed.output);
    terms[first] = contract("einsum", terms[first], terms[second], kept);
    terms.erase(terms.begin() + static_cast<int64_t>(second));
  }
  sum_alone(&terms[0], {}, parsed.output);
  return arrange(terms[0], parsed.output);
}

}  // namespace needlecpp
