// Tensors: making them, views, shapes, dtypes, the allocator's limit and statistics, threads.
#include "needlecpp/core/tensor.h"

#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>

#include "catch.h"
#include "needlecpp/core/allocator.h"
#include "needlecpp/core/axis_set.h"
#include "needlecpp/core/parallel.h"

using namespace needlecpp;

TEST_CASE("creation and reading back") {
  REQUIRE(Tensor::zeros({2, 3}).to_vector<float>() == std::vector<float>(6, 0.0f));
  REQUIRE(Tensor::full({3}, 2.5, DType::Float64).to_vector<double>() == std::vector<double>(3, 2.5));
  REQUIRE(Tensor::arange(4).to_vector<int64_t>() == std::vector<int64_t>{0, 1, 2, 3});
  REQUIRE(Tensor::full({2}, 7, DType::Bool).to_vector<bool>() == std::vector<bool>{true, true});
  REQUIRE(Tensor::scalar(4.5).item() == 4.5);
  REQUIRE(Tensor::full({}, 9e15, DType::Int64).item_int() == 9000000000000000);
  REQUIRE(Tensor::empty({0, 5}).numel() == 0);
  REQUIRE_THROWS_AS(Tensor::from_vector<float>({1, 2, 3}, {2}), ValueError);
  REQUIRE_THROWS_AS(Tensor::zeros({2}).item(), ValueError);
  REQUIRE_THROWS_AS(Tensor::zeros({2}).data<double>(), TypeError);
  REQUIRE_THROWS_AS(Tensor::zeros({-1}), ValueError);
}

TEST_CASE("views share memory and know whether they are contiguous") {
  const Tensor x = Tensor::from_vector<float>({0, 1, 2, 3, 4, 5}, {2, 3});
  const Tensor transposed = x.view({3, 2}, {1, 3}, 0);
  REQUIRE_FALSE(transposed.is_contiguous());
  REQUIRE(transposed.to_vector<float>() == std::vector<float>{0, 3, 1, 4, 2, 5});
  x.data<float>()[1] = 9;
  REQUIRE(transposed.to_vector<float>()[2] == 9);
  REQUIRE(x.view({2, 1, 3}, {3, 77, 1}, 0).is_contiguous());  // the stride of a size-1 axis is free
  const Tensor backwards = x.view({6}, {-1}, 5);
  REQUIRE(backwards.to_vector<float>() == std::vector<float>{5, 4, 3, 2, 9, 0});
}

TEST_CASE("wrapped memory is released once, with the last view") {
  float values[4] = {1, 2, 3, 4};
  int released = 0;
  {
    Tensor view;
    {
      const Tensor x = Tensor::wrap(values, {4}, {1}, DType::Float32, [&released] { ++released; });
      view = x.view({2}, {2}, 1);
    }
    REQUIRE(released == 0);
    REQUIRE(view.to_vector<float>() == std::vector<float>{2, 4});
  }
  REQUIRE(released == 1);
}

TEST_CASE("shape arithmetic") {
  REQUIRE(broadcast_shapes("t", {3, 1}, {4}) == Shape{3, 4});
  REQUIRE(broadcast_shapes("t", {}, {2, 0}) == Shape{2, 0});
  REQUIRE_THROWS_AS(broadcast_shapes("t", {3}, {4}), ValueError);
  REQUIRE(numel({}) == 1);
  REQUIRE(numel({int64_t{1} << 40, 0}) == 0);
  REQUIRE_THROWS_AS(numel({int64_t{1} << 40, int64_t{1} << 40}), ValueError);
  REQUIRE(normalize_axis("t", -1, 3) == 2);
  REQUIRE_THROWS_AS(normalize_axis("t", 3, 3), IndexError);
  REQUIRE_THROWS_AS(normalize_axis("t", 0, 0), IndexError);
  REQUIRE(normalize_axes("t", {-1, 0}, 3) == Dims{0, 2});
  REQUIRE_THROWS_AS(normalize_axes("t", {0, -3}, 3), ValueError);
  REQUIRE(normalize_axes("t", {}, 3) == Dims());
  REQUIRE(AxisSet().of("t", 3) == Dims{0, 1, 2});
  REQUIRE(AxisSet({-1, 0}).of("t", 3) == Dims{0, 2});
  REQUIRE(AxisSet(Dims()).of("t", 3) == Dims());
  REQUIRE_THROWS_AS(AxisSet({3}).of("t", 3), IndexError);
  REQUIRE(to_string(Dims{2}) == "(2,)");
  Dims dims;
  for (int i = 0; i < kMaxRank; ++i) dims.push_back(1);
  REQUIRE_THROWS_AS(dims.push_back(1), ValueError);
}

TEST_CASE("every half converts to float and back; float rounds to nearest even") {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const Float16 half{static_cast<uint16_t>(bits)};
    const float value = to_float(half);
    if (std::isnan(value)) {
      REQUIRE(std::isnan(to_float(to_float16(value))));
    } else {
      REQUIRE(to_float16(value).bits == half.bits);
    }
    const BFloat16 brain{static_cast<uint16_t>(bits)};
    if (!std::isnan(to_float(brain))) REQUIRE(to_bfloat16(to_float(brain)).bits == brain.bits);
  }
  REQUIRE(to_float(to_float16(1.0f + 0x1p-11f)) == 1.0f);  // a tie goes to the even neighbour
  REQUIRE(to_float(to_float16(1.0f + 3 * 0x1p-11f)) == 1.0f + 0x1p-9f);
  REQUIRE(std::isinf(to_float(to_float16(65520.0f))));
  REQUIRE(to_float(to_float16(65519.0f)) == 65504.0f);
  REQUIRE(to_float(to_float16(0x1p-24f)) == 0x1p-24f);
  REQUIRE(to_float(to_float16(0x1p-26f)) == 0.0f);
  REQUIRE(to_float(to_bfloat16(1.0f + 0x1p-8f)) == 1.0f);
}

TEST_CASE("promotion follows the array-API table") {
  REQUIRE(promote_types(DType::Int32, DType::Int64) == DType::Int64);
  REQUIRE(promote_types(DType::UInt8, DType::Bool) == DType::UInt8);
  REQUIRE(promote_types(DType::Int64, DType::Float16) == DType::Float16);
  REQUIRE(promote_types(DType::Float16, DType::BFloat16) == DType::Float32);
  REQUIRE(promote_types(DType::Float32, DType::Float64) == DType::Float64);
  for (int a = 0; a < kNumDTypes; ++a)
    for (int b = 0; b < kNumDTypes; ++b)
      REQUIRE(promote_types(static_cast<DType>(a), static_cast<DType>(b)) ==
              promote_types(static_cast<DType>(b), static_cast<DType>(a)));
  REQUIRE_THROWS_AS(dtype_from_name("float8"), TypeError);
}

TEST_CASE("the allocator keeps what was live at once and gives back what was longest without use") {
  release_cached_memory();
  // Tensors of 64 MiB and more of ever other sizes, one at a time: not all of them can stay.
  for (int64_t quarter = 4; quarter < 8; ++quarter) Tensor::empty({(quarter << 22) + 16});
  const size_t held = memory_stats().cached;
  REQUIRE(held <= std::max(memory_stats().peak, size_t{64} << 20));
  // The last size is still there, the first one is not.
  const Tensor last = Tensor::empty({(int64_t{7} << 22) + 16});
  REQUIRE(memory_stats().cached + (size_t{7} << 24) <= held);
  const size_t left = memory_stats().cached;
  const Tensor first = Tensor::empty({(int64_t{4} << 22) + 16});
  REQUIRE(memory_stats().cached == left);
}

TEST_CASE("the allocator counts, reuses and limits") {
  release_cached_memory();
  const MemoryStats before = memory_stats();
  {
    const Tensor x = Tensor::empty({1 << 20});
    REQUIRE(memory_stats().current - before.current == size_t{4} << 20);
    REQUIRE(memory_stats().count == before.count + 1);
  }
  REQUIRE(memory_stats().current == before.current);
  REQUIRE(memory_stats().cached >= size_t{4} << 20);
  REQUIRE(memory_stats().peak >= before.current + (size_t{4} << 20));
  {
    const Tensor again = Tensor::empty({1 << 20});
    REQUIRE(memory_stats().cached < size_t{4} << 20);
    REQUIRE(reinterpret_cast<uintptr_t>(again.raw()) % 64 == 0);
  }
  set_memory_limit(before.current + (1 << 20));
  std::string message;
  try {
    OpScope scope("my_op");
    Tensor::empty({1 << 20});
  } catch (const MemoryError& error) {
    message = error.what();
  }
  set_memory_limit(0);
  REQUIRE(message.find("[my_op]") == 0);
  REQUIRE(message.find("4194304") != std::string::npos);
  REQUIRE(message.find(std::to_string(before.current + (1 << 20))) != std::string::npos);
  REQUIRE_THROWS_AS(Tensor::empty({int64_t{1} << 45}), MemoryError);
  REQUIRE_THROWS_AS(Tensor::empty({int64_t{1} << 61}, DType::Float64), MemoryError);  // 2^64 bytes
}

TEST_CASE("blocks of every size hold what was asked for") {
  for (size_t bytes : {0, 1, 63, 64, 65, 1023, 1024, 1025, 1279, 1280, 1281, 5000, 1 << 20, (2 << 20) + 1}) {
    void* block = allocate(bytes, Device{});
    REQUIRE(block != nullptr);
    std::memset(block, 0xab, bytes);
    deallocate(block, bytes, Device{});
  }
}

TEST_CASE("parallel_for covers the range once and carries exceptions out") {
  for (int threads : {1, 2, 5}) {
    set_num_threads(threads);
    for (int64_t count : {0, 1, 7, 1000}) {
      std::vector<std::atomic<int>> hits(static_cast<size_t>(count));
      parallel_for(count, 3, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) ++hits[static_cast<size_t>(i)];
      });
      parallel_tasks(count, [&](int64_t task) { ++hits[static_cast<size_t>(task)]; });
      for (auto& hit : hits) REQUIRE(hit == 2);
    }
    REQUIRE_THROWS_AS(parallel_for(100, 1, [](int64_t, int64_t) { throw ValueError("inside"); }), ValueError);
    REQUIRE_THROWS_AS(parallel_tasks(100, [](int64_t) { throw ValueError("inside"); }), ValueError);
  }
  REQUIRE_THROWS_AS(set_num_threads(0), ValueError);
  set_num_threads(2);
}
