# The instruction sets that kernels are compiled for. Every x_simd.cpp becomes one object a set, inside its own
# namespace (NDL_ISA); which one runs is decided at load. Nothing else is ever compiled with these flags.
# Multiply-adds are fused. clang is asked to fuse those of one expression: asked for all that it can find, it chooses
# anew wherever a function is inlined, and a point's result would depend on the block that it falls in.
# g++ 12 warns of its own _mm512_undefined_ps (GCC bug 105593), hence -Wno-maybe-uninitialized.
# Sanitizers get by with -O1, which compiles sooner.
set(NEEDLECPP_KERNEL_FLAGS $<IF:$<BOOL:${NEEDLECPP_SANITIZE}>,-O1,-O3> -fno-math-errno -fno-trapping-math -Wall -Wextra -Wno-psabi
    -ffp-contract=$<IF:$<CXX_COMPILER_ID:Clang,AppleClang>,on,fast>
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized> $<$<CXX_COMPILER_ID:GNU>:-Wno-uninitialized>)
set(NEEDLECPP_FLAGS_baseline "")
set(isas baseline)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64|amd64")
  list(APPEND isas avx2 avx512)
  set(NEEDLECPP_FLAGS_avx2 -mavx2 -mfma -mbmi2)
  set(NEEDLECPP_FLAGS_avx512 ${NEEDLECPP_FLAGS_avx2} -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512cd
      -mprefer-vector-width=512)
endif()
set(NEEDLECPP_ISAS "${isas}" CACHE STRING "Instruction sets to build kernels for; baseline is always among them")
foreach(isa ${NEEDLECPP_ISAS})
  if(NOT isa IN_LIST isas)
    message(FATAL_ERROR "NEEDLECPP_ISAS: got ${isa}, expected some of ${isas}.")
  endif()
endforeach()
if(NOT baseline IN_LIST NEEDLECPP_ISAS)
  message(FATAL_ERROR "NEEDLECPP_ISAS: got ${NEEDLECPP_ISAS}, expected baseline among them.")
endif()
set(NEEDLECPP_ISA_DEFINITIONS "")  # what simd/isa.h is told of sets left out
foreach(isa avx2 avx512)
  if(NOT isa IN_LIST NEEDLECPP_ISAS)
    string(TOUPPER "NDL_${isa}=0" definition)
    list(APPEND NEEDLECPP_ISA_DEFINITIONS ${definition})
  endif()
endforeach()

function(needlecpp_add_kernels target)
  target_compile_definitions(${target} PUBLIC "$<BUILD_INTERFACE:${NEEDLECPP_ISA_DEFINITIONS}>")
  foreach(isa ${NEEDLECPP_ISAS})
    set(objects ${target}_kernels_${isa})
    add_library(${objects} OBJECT ${ARGN})
    target_include_directories(${objects} PRIVATE ${PROJECT_SOURCE_DIR}/cpp/src)
    target_compile_definitions(${objects} PRIVATE NDL_ISA=${isa} ${NEEDLECPP_ISA_DEFINITIONS})
    target_compile_options(${objects} PRIVATE ${NEEDLECPP_KERNEL_FLAGS} ${NEEDLECPP_FLAGS_${isa}}
      $<$<BOOL:${NEEDLECPP_WERROR}>:-Werror>)
    if(NEEDLECPP_SANITIZE)
      target_compile_options(${objects} PRIVATE -fsanitize=${NEEDLECPP_SANITIZE} -fno-omit-frame-pointer)
    endif()
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:${objects}>)
  endforeach()
endfunction()
