// When strides can stand in for a copy.
#include "ops/shape/view_strides.h"

namespace needlecpp {

// Axes of size 1 carry no layout. The others are matched in groups with equal products, (2, 3, 4) -> (6, 4): a group
// can be seen anew when its old axes are nested without gaps, and its new axes then nest inside the last old stride.
bool view_strides(const Shape& shape, const Strides& strides, const Shape& new_shape, Strides* result) {
  *result = contiguous_strides(new_shape);
  if (numel(shape) == 0) return true;
  Shape old_shape;
  Strides old_strides;
  for (int i = 0; i < shape.size(); ++i) {
    if (shape[i] == 1) continue;
    old_shape.push_back(shape[i]);
    old_strides.push_back(strides[i]);
  }
  int old_begin = 0;
  int new_begin = 0;
  while (old_begin < old_shape.size()) {
    int old_end = old_begin + 1;
    int new_end = new_begin;
    int64_t old_count = old_shape[old_begin];
    int64_t new_count = 1;
    while (new_count != old_count) {
      if (new_count < old_count)
        new_count *= new_shape[new_end++];
      else
        old_count *= old_shape[old_end++];
    }
    for (int i = old_begin; i + 1 < old_end; ++i)
      if (old_strides[i] != old_strides[i + 1] * old_shape[i + 1]) return false;
    int64_t stride = old_strides[old_end - 1];
    for (int i = new_end - 1; i >= new_begin; --i) {
      (*result)[i] = stride;
      stride *= new_shape[i];
    }
    old_begin = old_end;
    new_begin = new_end;
  }
  return true;
}

}  // namespace needlecpp
