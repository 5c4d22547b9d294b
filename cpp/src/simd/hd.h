// NDL_HD marks functions that the CPU and CUDA both compile; NDL_ISA is the namespace of the instruction set a file is
// being compiled for, so that no copy of an inline function made for one set can be linked into another.
#pragma once

#ifdef __CUDACC__
#define NDL_HD __host__ __device__ __forceinline__
#else
#define NDL_HD inline __attribute__((always_inline))
#endif

#ifndef NDL_ISA
#define NDL_ISA portable
#endif
