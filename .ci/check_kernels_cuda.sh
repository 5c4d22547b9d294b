#!/usr/bin/env bash
# Compiles all x_kernels.h with nvcc, and the kernels of tests_cpp/kernels_cuda.cu, which instantiate the formulas on the
# device. The headers stand in one file: that is quick, and two that give one name to different things are told apart
# nowhere else. (Each alone is compiled by its x_simd.cpp.) Without nvcc on the PATH there is nothing to check.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v nvcc >/dev/null; then
  echo "no nvcc: skipped"
  exit 0
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

{
  echo '#include "simd/philox.h"'
  find cpp/src -name '*_kernels.h' | sort | sed 's|^cpp/src/\(.*\)|#include "\1"|'
} >"$scratch/kernels.cu"
find "$scratch" tests_cpp -name '*.cu' -print0 |
  xargs -0 -n 1 -P "$(nproc)" nvcc -std=c++20 -Icpp/include -Icpp/src -c -o /dev/null
echo "$(($(wc -l <"$scratch/kernels.cu") - 1)) kernel headers compile with nvcc"
