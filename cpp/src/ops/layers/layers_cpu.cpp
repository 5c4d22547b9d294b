// What the small functions of layers do on the CPU.
#include "ops/layers/layers_run.h"

namespace needlecpp::cpu {

int64_t run_find_outside(View indices, int64_t size) {
  const int64_t* index = data<int64_t>(indices);
  for (int64_t i = 0; i < indices.count; ++i)
    if (index[i] < 0 || index[i] >= size) return i;
  return -1;
}

}  // namespace needlecpp::cpu
