// Devices: names, the default of a thread, tensors on every device there is, and those on one that is not.
#include "needlecpp/core/device.h"

#include <cmath>
#include <functional>
#include <thread>
#include <vector>

#include "catch.h"
#include "devices.h"
#include "needlecpp/autograd/autograd.h"
#include "needlecpp/core/allocator.h"
#include "needlecpp/ops/creation.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/inplace.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "needlecpp/ops/transfer.h"

using namespace needlecpp;

namespace {

// A card that no machine has: its memory is the host's, which nothing may find out.
const Device kAbsent{DeviceType::CUDA, 999};

Tensor elsewhere(std::vector<float>& memory) {
  const int64_t count = static_cast<int64_t>(memory.size());
  return Tensor::wrap(memory.data(), {count}, {1}, DType::Float32, {}, false, kAbsent);
}

}  // namespace

TEST_CASE("names of devices") {
  CHECK(to_string(Device{}) == "cpu");
  CHECK(device_from_name("cpu") == Device{});
  CHECK(device_from_name("cuda") == Device{DeviceType::CUDA, 0});
  CHECK(device_from_name("cuda:3") == Device{DeviceType::CUDA, 3});
  CHECK(to_string(device_from_name("cuda:3")) == "cuda:3");
  for (const char* name : {"", "gpu", "CPU", "cuda:", "cuda:-1", "cuda:1x", "cuda: 1", "cuda:99999999999", "cuda:1:2"})
    CHECK_THROWS_AS(device_from_name(name), ValueError);
  CHECK_THROWS_AS(cuda_device(-1), ValueError);
  CHECK_THROWS_AS(cuda_device(int64_t{1} << 40), ValueError);
}

TEST_CASE("new tensors are on the device named, or on the thread's default") {
  for (const Device device : test_devices()) {
    {
      const DeviceScope scope(device);
      CHECK(default_device() == device);
      for (const Tensor& x :
           {Tensor::empty({2}), Tensor::zeros({2}), Tensor::ones({2}), Tensor::full({2}, 3), Tensor::scalar(1),
            Tensor::arange(2), Tensor::from_vector<float>({1, 2}, {2}), arange(0.0, 1.0, 0.25), arange(int64_t{0}, 3),
            linspace(0, 1, 3), logspace(0, 1, 3), eye(2, 2), tril_indices(2, 2), triu_indices(2, 2)})
        CHECK(x.device() == device);
      bool own = false;  // another thread has its own
      std::thread([&] { own = default_device() == Device{}; }).join();
      CHECK(own);
    }
    CHECK(default_device() == Device{});
    CHECK(Tensor::full({3}, 2.5, DType::Float64, device).to_vector<double>() == std::vector<double>{2.5, 2.5, 2.5});
    CHECK(Tensor::full({2}, 1, DType::Bool, device).to_vector<bool>() == std::vector<bool>{true, true});
    CHECK(Tensor::full({3}, -2, DType::Int32, device).to_vector<int32_t>() == std::vector<int32_t>{-2, -2, -2});
    CHECK(Tensor::zeros({0, 2}, DType::Float32, device).to_vector<float>().empty());
    CHECK(Tensor::scalar(7, DType::Int64, device).item_int() == 7);
    const Tensor x = Tensor::from_vector<float>({1, 2, 3, 4, 5, 6}, {2, 3}, device);
    CHECK(transpose(x).to_vector<float>() == std::vector<float>{1, 4, 2, 5, 3, 6});
    CHECK(slice(x, 1, 0, 3, 2).to_vector<float>() == std::vector<float>{1, 3, 4, 6});
    CHECK(broadcast_to(select(x, 0, 1), {2, 3}).to_vector<float>() == std::vector<float>{4, 5, 6, 4, 5, 6});
  }
}

TEST_CASE("moved to a device and back, with the gradient") {
  for (const Device device : test_devices()) {
    const Tensor x = Tensor::from_vector<float>({1, 2, 3}, {3}).set_requires_grad(true);
    const Tensor y = to(x, device);
    CHECK(y.device() == device);
    CHECK(y.to_vector<float>() == std::vector<float>{1, 2, 3});
    CHECK(to(y, device).is_same(y));
    sum(square(y)).backward();
    CHECK(x.grad().device() == Device{});
    CHECK(x.grad().to_vector<float>() == std::vector<float>{2, 4, 6});
    to_(x, DType::Float64, device);  // the same tensor for whoever holds it
    CHECK(x.device() == device);
    CHECK(x.to_vector<double>() == std::vector<double>{1, 2, 3});
    CHECK(x.grad().to_vector<double>() == std::vector<double>{2, 4, 6});
    sum(x).backward();
    CHECK(x.grad().to_vector<double>() == std::vector<double>{3, 5, 7});
  }
}

TEST_CASE("a leaf that was moved after the forward pass") {
  const Tensor x = Tensor::ones({3}).set_requires_grad(true);
  const Tensor y = sum(square(x));
  const Tensor z = sum(x * 2.0);
  const Tensor view = slice(x.detach(), 0, 1);
  to_(x, DType::Float64, Device{});
  CHECK_THROWS_AS(y.backward(), Error);
  CHECK_THROWS_AS(z.backward(), Error);
  CHECK_FALSE(x.grad().defined());
  CHECK(view.to_vector<float>() == std::vector<float>{1, 1});
  CHECK_THROWS_AS(to_(x, DType::Int64, Device{}), TypeError);
  CHECK_THROWS_AS(to_(y, DType::Float64, Device{}), ValueError);
}

TEST_CASE("a device that is not there") {
  const uint64_t before = memory_stats().current;
  for (const std::function<void()>& make : std::vector<std::function<void()>>{
           [] { Tensor::empty({2}, DType::Float32, kAbsent); }, [] { Tensor::zeros({0}, DType::Float32, kAbsent); },
           [] { Tensor::full({2}, 1, DType::Float32, kAbsent); }, [] { Tensor::arange(2, DType::Int64, kAbsent); },
           [] { Tensor::from_vector<float>({1}, {1}, kAbsent); }, [] { eye(2, 2, 0, DType::Float32, kAbsent); },
           [] { linspace(0, 1, 3, true, DType::Float32, kAbsent); }, [] { to(Tensor::ones({2}), kAbsent); },
           [] { to_(Tensor::ones({2}), DType::Float32, kAbsent); }, [] { set_default_device(kAbsent); },
           [] { const DeviceScope scope(kAbsent); }, [] { allocate(1, kAbsent); }})
    CHECK_THROWS_AS(make(), ValueError);
  CHECK(default_device() == Device{});
  CHECK(memory_stats().current == before);
}

TEST_CASE("a tensor on a device that is not there") {
  std::vector<float> memory = {1, 2};
  const std::vector<float> same = memory;
  const Tensor x = elsewhere(memory);
  const Tensor one = x.view({1}, {1}, 0);
  const Tensor here = Tensor::ones({2});
  CHECK(x.device() == kAbsent);
  CHECK_THROWS_AS(one.item(), ValueError);
  CHECK_THROWS_AS(x.to_vector<float>(), ValueError);
  CHECK_THROWS_WITH(exp(x), ContainsSubstring("[exp] device not available: got cuda:999, expected cpu"));
  CHECK_THROWS_WITH(x + here,
                    ContainsSubstring("[add] tensors on different devices: got cuda:999 and cpu, expected one"));
  CHECK_THROWS_AS(here + x, TypeError);
  CHECK_THROWS_AS(x + x, ValueError);
  CHECK_THROWS_AS(copy_(x, here), TypeError);
  CHECK_THROWS_AS(copy_(here, x), TypeError);
  CHECK_THROWS_AS(fill_(x, 0), ValueError);
  CHECK_THROWS_AS(to(x, Device{}), ValueError);
  CHECK_THROWS_AS(here.set_grad(x), TypeError);
  const Tensor leaf = Tensor::ones({2}).set_requires_grad(true);
  CHECK_THROWS_AS((leaf * 2.0).backward(x), TypeError);
  x.set_requires_grad(true);
  CHECK_THROWS_AS(x.backward(here), TypeError);
  CHECK(memory == same);
}
