// The one file that knows OpenMP.
#include "needlecpp/core/parallel.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <exception>

#include "needlecpp/core/error.h"
#include "simd/isa.h"

namespace needlecpp {
namespace {

std::atomic<int> g_threads{0};  // 0: OpenMP's own default

// Keeps the first exception of a parallel region; an exception must not leave an OpenMP thread.
class FirstError {
 public:
  template <class Body>
  void guard(Body&& body) {
    try {
      body();
    } catch (...) {
      if (!taken_.exchange(true)) error_ = std::current_exception();
    }
  }
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::atomic<bool> taken_{false};
  std::exception_ptr error_;
};

}  // namespace

int num_threads() {
  const int threads = g_threads.load(std::memory_order_relaxed);
  return threads > 0 ? threads : omp_get_max_threads();
}

void set_num_threads(int count) {
  NDL_CHECK(count >= 1, ValueError, "set_num_threads", "bad thread count: got ", count, ", expected 1 or more.");
  g_threads.store(count, std::memory_order_relaxed);
}

const char* isa_name() { return kIsa == Isa::Avx512 ? "avx512" : kIsa == Isa::Avx2 ? "avx2" : "baseline"; }

namespace detail {

void run_ranges(int64_t count, int64_t grain, RangeFn run, void* context) {
  const int64_t most = grain > 0 ? (count + grain - 1) / grain : count;
  const int threads = static_cast<int>(std::min<int64_t>(num_threads(), most));
  if (threads <= 1 || omp_in_parallel()) {
    run(context, 0, count);
    return;
  }
  FirstError error;
#pragma omp parallel num_threads(threads)
  {
    const int64_t team = omp_get_num_threads();
    const int64_t me = omp_get_thread_num();
    const int64_t begin = count * me / team;
    const int64_t end = count * (me + 1) / team;
    if (begin < end) error.guard([&] { run(context, begin, end); });
  }
  error.rethrow();
}

void run_tasks(int64_t count, RangeFn run, void* context) {
  const int threads = static_cast<int>(std::min<int64_t>(num_threads(), count));
  if (threads <= 1 || omp_in_parallel()) {
    for (int64_t task = 0; task < count; ++task) run(context, task, task + 1);
    return;
  }
  FirstError error;
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
  for (int64_t task = 0; task < count; ++task) error.guard([&] { run(context, task, task + 1); });
  error.rethrow();
}

}  // namespace detail
}  // namespace needlecpp
