#!/usr/bin/env bash
# Compiles every x_kernels.h with nvcc, each in a file of its own, and the kernels of tests_cpp/kernels_cuda.cu, which
# instantiate the formulas on the device. Without nvcc on the PATH there is nothing to check.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v nvcc >/dev/null; then
  echo "no nvcc: skipped"
  exit 0
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

flags=(-std=c++20 -Icpp/include -Icpp/src -c -o /dev/null)
echo '#include "simd/philox.h"' >"$scratch/philox.cu"
while read -r header; do
  name=$(basename "$header" .h)
  echo "#include \"${header#cpp/src/}\"" >"$scratch/$name.cu"
done < <(find cpp/src -name '*_kernels.h' | sort)
count=$(find "$scratch" -name '*.cu' | wc -l)
find "$scratch" tests_cpp -name '*.cu' -print0 | xargs -0 -n 1 -P "$(nproc)" nvcc "${flags[@]}"
echo "$count kernel headers compile with nvcc"
