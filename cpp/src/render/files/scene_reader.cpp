// Tensors of a file are taken by name, shape and dtype.
#include "render/files/scene_reader.h"

namespace needlecpp {

Tensor SceneReader::find(const std::string& wanted, const Shape& shape, DType dtype) const {
  const auto found = tensors_.find(wanted);
  if (found == tensors_.end()) malformed(path_, "the tensor '" + wanted + "' is missing.");
  const Tensor& tensor = found->second;
  if (tensor.shape() != shape || tensor.dtype() != dtype)
    malformed(path_,
              detail::concat("the tensor '", wanted, "' does not fit the description: got ", name(tensor.dtype()), " ",
                             tensor.shape(), ", expected ", name(dtype), " ", shape, "."));
  return tensor;
}

}  // namespace needlecpp
