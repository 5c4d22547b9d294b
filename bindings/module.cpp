// needlecpp._core: exceptions, threads, memory, randomness, then every family.
#include <new>
#include <system_error>
#include <typeinfo>

#include "convert.h"
#include "needlecpp/core/allocator.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/core/random.h"
#include "needlecpp/io/safetensors.h"

namespace needlecpp::python {
namespace {

// The engine's exceptions as Python's own.
void translate(const std::exception_ptr& pointer, void*) {
  try {
    std::rethrow_exception(pointer);
  } catch (const IndexError& error) {
    PyErr_SetString(PyExc_IndexError, error.what());
  } catch (const ValueError& error) {
    PyErr_SetString(PyExc_ValueError, error.what());
  } catch (const TypeError& error) {
    PyErr_SetString(PyExc_TypeError, error.what());
  } catch (const MemoryError& error) {
    PyErr_SetString(PyExc_MemoryError, error.what());
  } catch (const FileError& error) {
    // OSError(code, text, file name): Python picks the kind, FileNotFoundError say, by the code.
    const nb::object arguments = nb::make_tuple(error.code(), std::system_category().message(error.code()),
                                                nb::steal(PyUnicode_DecodeFSDefault(error.path().c_str())));
    PyErr_SetObject(PyExc_OSError, arguments.ptr());
  } catch (const Error& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  } catch (const std::bad_cast&) {
    PyErr_SetString(PyExc_TypeError,
                    "[argument] of a wrong kind: got one that cannot be converted, expected what the "
                    "docstring says.");
  }
}

// The defaults that `with` blocks of this thread will bring back.
thread_local std::vector<Device> g_defaults_before;

void bind_core(nb::module_& m) {
  nb::class_<Device>(m, "Device",
                     "Where a tensor lives: Device(\"cpu\"), Device(\"cuda:1\") or Device(\"cuda\", 1).\n\n"
                     "As a context it is this thread's default device: functions that make tensors put them there.\n\n"
                     ">>> with ndl.Device(\"cpu\"):\n...     x = ndl.zeros(2)\n>>> x.device\ncpu")
      .def(
          "__init__",
          [](Device* self, nb::object device, std::optional<int64_t> index) {
            Device found = device_of(device);
            if (index) {
              NDL_CHECK(found.type == DeviceType::CUDA && text_of(device) == "cuda", ValueError, "device",
                        "a number beside a device that has none: got ", text_of(device), " and ", *index,
                        ", expected \"cuda\" and the number of a card.");
              found = cuda_device(*index);
            }
            new (self) Device(found);
          },
          "device"_a, "index"_a = nb::none())
      .def_prop_ro(
          "type", [](const Device& d) { return d.type == DeviceType::CPU ? "cpu" : "cuda"; }, "\"cpu\" or \"cuda\".")
      .def_prop_ro(
          "index",
          [](const Device& d) {
            return d.type == DeviceType::CPU ? std::optional<int>() : std::optional<int>(d.index);
          },
          "The number of the card, None for the CPU.")
      .def("__enter__",
           [](nb::object self) {
             const Device before = default_device();
             set_default_device(nb::cast<Device>(self));
             g_defaults_before.push_back(before);
             return self;
           })
      .def("__exit__",
           [](const Device&, const nb::args&) {
             if (g_defaults_before.empty()) return;
             detail::exchange_default_device(g_defaults_before.back());
             g_defaults_before.pop_back();
           })
      .def("__reduce__", [](nb::object self) { return nb::make_tuple(self.type(), nb::make_tuple(nb::str(self))); })
      .def(
          "enabled", [](const Device& d) { return is_available(d); }, "Whether tensors can be made here.")
      .def("__repr__", [](const Device& d) { return to_string(d); })
      .def("__str__", [](const Device& d) { return to_string(d); })
      .def("__hash__", [](const Device& d) { return nb::hash(nb::str(to_string(d).c_str())); })
      .def(
          "__eq__",
          [](const Device& d, nb::handle other) {
            if (nb::isinstance<Device>(other)) return d == nb::cast<Device>(other);
            return nb::isinstance<nb::str>(other) && to_string(d) == nb::cast<std::string>(other);
          },
          nb::is_operator(), "other"_a.none());
  m.def(
      "cpu", [] { return Device{}; }, "The CPU.");
  m.def("cuda", &cuda_device, "index"_a = 0, "A CUDA card; `.enabled()` says whether this build and machine have one.");
  m.def("default_device", &default_device,
        "Where this thread's functions that make tensors put them if no device is named: the CPU unless "
        "set_default_device() or a `with` block says otherwise. Results of ops are where their inputs are.\n\n"
        ">>> ndl.default_device()\ncpu");
  m.def(
      "set_default_device", [](nb::object device) { set_default_device(device_of(device, Device{})); },
      "device"_a.none(), "Sets this thread's default device; None is the CPU. See default_device().");
  // For tests, where there is one device only: see core/device.h.
  m.def("_exchange_default_device", &detail::exchange_default_device, "device"_a);
  m.def("_pretend_card", &detail::pretend_card, "index"_a);

  m.def("num_threads", &num_threads, "Threads that kernels use.");
  m.def("set_num_threads", &set_num_threads, "count"_a, "Sets the number of threads that kernels use (1 or more).");
  m.def(
      "isa", &isa_name,
      "The instruction set in use: 'baseline', 'avx2', 'avx512', or 'avx512+vdpbf16ps' where that instruction computes "
      "products of bfloat16 numbers. Elsewhere they are computed as float32, with the same numbers: where there is no "
      "such instruction, and on Intel's processors, where it has half the rate of float32 multiply-adds. The "
      "environment "
      "variables NEEDLECPP_ISA (baseline, avx2, avx512) and NEEDLECPP_BF16 (float32, vdpbf16ps), read when the library "
      "loads, choose otherwise.");
  m.def("manual_seed", &manual_seed, "seed"_a,
        "Restarts the default random stream, which starts at a seed of the system's randomness otherwise.\n\n"
        ">>> ndl.manual_seed(7); a = ndl.rand(3)\n>>> ndl.manual_seed(7); (ndl.rand(3) == a).all().item()\nTrue");
  m.def("initial_seed", &initial_seed,
        "The seed that the default random stream started at: manual_seed()'s, or one of the system's randomness. A "
        "process made by fork goes on at another, which follows from its parent's and the number of forks before it.");

  m.def(
      "memory_stats",
      [] {
        const MemoryStats stats = memory_stats();
        nb::dict result;
        result["current"] = stats.current;
        result["peak"] = stats.peak;
        result["cached"] = stats.cached;
        result["count"] = stats.count;
        return result;
      },
      "Bytes held by live tensors (current, peak), bytes kept for reuse (cached), allocations made (count).");
  m.def("reset_peak_memory", &reset_peak_memory, "Sets the peak of memory_stats() to its current value.");
  m.def("set_memory_limit", &set_memory_limit, "bytes"_a,
        "Tensors may hold at most this many bytes together (0: no limit); beyond it ops raise MemoryError.");
  m.def("memory_limit", &memory_limit, "The limit in bytes, 0 for none.");
  m.def("release_cached_memory", &release_cached_memory, "Gives blocks kept for reuse back to the system.");
}

}  // namespace
}  // namespace needlecpp::python

NB_MODULE(_core, m) {
  using namespace needlecpp::python;
  m.doc() = "The C++ core of needlecpp.";
  m.attr("__version__") = NEEDLECPP_VERSION;
  nb::set_leak_warnings(false);
  nb::register_exception_translator(translate);
  bind_core(m);
  bind_tensor(m);
  bind_autograd(m);
  bind_ops(m);
  bind_cameras(m);
  bind_picture(m);
  bind_occupancy(m);
  bind_field(m);
  bind_fields(m);
  bind_scene(m);
  bind_renderer(m);
  bind_train(m);
  bind_safetensors(m);
  explain_arguments(m);
}
