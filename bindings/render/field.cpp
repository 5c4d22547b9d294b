// Fields: those of this library, and those that are written in Python.
#include "field.h"

#include "needlecpp/autograd/autograd.h"
#include "needlecpp/ops/creation.h"
#include "needlecpp/ops/gather.h"

namespace needlecpp::python {
namespace {

using Release = nb::call_guard<nb::gil_scoped_release>;

// A needlecpp.render.Field. The engine calls it without Python's lock, from the thread of the step; what the object
// raises comes out of the step. Shapes and dtypes of its answers are checked where all fields' are.
class PythonField : public Field {
 public:
  explicit PythonField(nb::object object) : object_(new nb::object(std::move(object)), &drop) {
    kind_ = "python." + nb::cast<std::string>(nb::object(object_->type().attr("__qualname__")));
    const nb::object box = object_->attr("box");
    NDL_CHECK(nb::isinstance<Box>(box), TypeError, "field", "box is no box: got ", type_of(box),
              ", expected a needlecpp.render.Box. Call super().__init__(box) first.");
    box_ = nb::cast<Box>(box);
  }
  nb::object object() const { return *object_; }

  std::string kind() const override { return kind_; }
  const Box& box() const override { return box_; }

  Density density(const Tensor& positions) const override {
    nb::gil_scoped_acquire acquire;
    const nb::object answer = object_->attr("density")(positions);
    const bool pair = (nb::isinstance<nb::tuple>(answer) || nb::isinstance<nb::list>(answer)) && nb::len(answer) == 2;
    NDL_CHECK(pair, TypeError, "field", "density gave something else: got ", type_of(answer),
              ", expected a pair (sigma [n], features [n, f]).");
    return {tensor("density", "sigma", nb::object(answer[0])), tensor("density", "features", nb::object(answer[1]))};
  }

  Tensor color(const Tensor& features, const Rays& rays, const Tensor& ray_index) const override {
    const Tensor directions = index_select(rays.directions, 0, ray_index);
    nb::gil_scoped_acquire acquire;
    return tensor("color", "colours", object_->attr("color")(features, directions));
  }

  std::vector<Parameter> parameters() const override {
    nb::gil_scoped_acquire acquire;
    std::vector<Parameter> parameters;
    for (nb::handle each : nb::object(object_->attr("trained")())) {
      NDL_CHECK(nb::isinstance<Parameter>(each), TypeError, "field", "trained gave something else: got ",
                type_of(nb::borrow(each)), ", expected a list of needlecpp.render.FieldParameter.");
      parameters.push_back(nb::cast<Parameter>(each));
    }
    return parameters;
  }

  size_t bytes(int64_t samples, bool training) const override {
    nb::gil_scoped_acquire acquire;
    return nb::cast<size_t>(object_->attr("bytes")(samples, training));
  }

  std::shared_ptr<const Field> for_rendering() const override { return std::make_shared<PythonField>(*this); }

  Tensor penalty() const override {
    nb::gil_scoped_acquire acquire;
    const nb::object answer = object_->attr("penalty")();
    if (answer.is_none()) return {};
    const Tensor penalty = tensor("penalty", "a penalty", answer);
    NDL_CHECK(penalty.numel() == 1 && penalty.dtype() == DType::Float32, ValueError, "field",
              "penalty gave no number: got ", name(penalty.dtype()), " ", penalty.shape(),
              ", expected a float32 tensor of one element, or None.");
    return penalty;
  }

  bool refine(double progress) override {
    nb::gil_scoped_acquire acquire;
    return nb::cast<bool>(nb::bool_(nb::object(object_->attr("refine")(progress))));
  }

 private:
  static void drop(nb::object* object) {
    if (!nb::is_alive()) return;
    nb::gil_scoped_acquire acquire;
    delete object;
  }
  static std::string type_of(const nb::object& object) { return nb::cast<std::string>(object.type().attr("__name__")); }
  static Tensor tensor(const char* function, const char* what, const nb::object& answer) {
    NDL_CHECK(nb::isinstance<Tensor>(answer), TypeError, "field", function, " gave ", what, " that is no tensor: got ",
              type_of(answer), ", expected a Tensor.");
    return nb::cast<Tensor>(answer);
  }

  std::shared_ptr<nb::object> object_;
  std::string kind_;
  Box box_;
};

// For points of which each has a ray of its own.
Tensor color_along(const Field& field, const Tensor& features, const Tensor& directions) {
  NDL_CHECK(directions.rank() == 2 && directions.size(1) == 3, ValueError, "field",
            "directions have the wrong shape: got ", directions.shape(), ", expected (n, 3).");
  return field.color(features, {Tensor::zeros(directions.shape()), directions},
                     Tensor::arange(directions.size(0), DType::Int32));
}

}  // namespace

std::shared_ptr<Field> field_of(nb::handle object) {
  std::shared_ptr<Field> field;
  if (nb::try_cast(object, field) && field) return field;
  const nb::object base = nb::module_::import_("needlecpp.render.field").attr("Field");
  const int is_one = PyObject_IsInstance(object.ptr(), base.ptr());
  if (is_one < 0) throw nb::python_error();
  NDL_CHECK(is_one, TypeError, "field", "this is no field: got ",
            nb::cast<std::string>(nb::object(object.type().attr("__name__"))),
            ", expected one of needlecpp.render.fields or a needlecpp.render.Field.");
  return std::make_shared<PythonField>(nb::borrow(object));
}

nb::object object_of(const std::shared_ptr<Field>& field) {
  if (const auto* python = dynamic_cast<const PythonField*>(field.get())) return python->object();
  return nb::cast(field);
}

void bind_field(nb::module_& m) {
  nb::class_<Parameter>(m, "FieldParameter",
                        "One tensor that a training moves, and how.\n\n"
                        "Args:\n"
                        "    name: in files; unique in a field.\n"
                        "    tensor: a contiguous float32 leaf that requires grad.\n"
                        "    lr_scale: the learning rate is the trainer's times this.\n"
                        "    touched_only: entries whose gradient is zero keep value and moments, for tables of which "
                        "a step touches a few entries (Mueller et al. 2022).")
      .def(
          "__init__",
          [](Parameter* self, const std::string& name, const Tensor& tensor, double lr_scale, bool touched_only) {
            new (self) Parameter{name, tensor, lr_scale, touched_only};
          },
          "name"_a, "tensor"_a, "lr_scale"_a = 1.0, "touched_only"_a = false)
      .def_ro("name", &Parameter::name)
      .def_ro("tensor", &Parameter::tensor)
      .def_ro("lr_scale", &Parameter::lr_scale)
      .def_ro("touched_only", &Parameter::touched_only);

  nb::class_<Field>(m, "BuiltinField", "A radiance field of this library's; needlecpp.render.fields has the kinds.")
      .def_prop_ro("kind", &Field::kind, "The name of its kind, as files have it.")
      .def_prop_ro(
          "box", [](const Field& field) { return field.box(); }, "Outside it there is nothing.")
      .def(
          "density",
          [](const Field& field, const Tensor& positions) {
            const Density density = field.density(positions);
            return std::make_pair(density.sigma, density.features);
          },
          "positions"_a, Release(),
          "Density [n] per world unit and features [n, f] at world positions [n, 3]. Differentiable in the parameters.")
      .def("color", &color_along, "features"_a, "directions"_a, Release(),
           "Colour [n, 3], sRGB in [0, 1], for features [n, f] seen along unit directions [n, 3]. Differentiable.")
      .def(
          "named_parameters",
          [](const Field& field) {
            std::vector<std::pair<std::string, Tensor>> named;
            for (const Parameter& p : field.parameters()) named.emplace_back(p.name, p.tensor);
            return named;
          },
          "Names and tensors, in the order of files.")
      .def("trained", &Field::parameters, "What a training moves, and how: a list of FieldParameter.")
      .def("bytes", &Field::bytes, "samples"_a, "training"_a, Release(),
           "At most so many bytes of tensors density() and color() of `samples` points hold at a time, besides the "
           "parameters.");
}

}  // namespace needlecpp::python
