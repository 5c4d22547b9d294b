// The one file that knows OpenMP, and what stands in for it in a build without: threads started for one loop. Those are
// for compilers that have no OpenMP and for the thread sanitizer, which does not see the waits inside OpenMP's runtime.
#include "needlecpp/core/parallel.h"

#ifdef _OPENMP
#include <omp.h>
#if __has_include(<pthread.h>)
#include <pthread.h>
#endif
#endif

#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>
#include <vector>

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

#ifdef _OPENMP
// A forked child has OpenMP's team in its memory and none of its threads: starting a loop there would wait for them for
// ever. It computes on the one thread it has.
std::atomic<bool> g_team_started{false};
std::atomic<bool> g_alone{false};
#if __has_include(<pthread.h>)
[[maybe_unused]] const int g_at_fork = pthread_atfork(nullptr, nullptr, [] { g_alone.store(g_team_started.load()); });
#endif

int default_threads() { return omp_get_max_threads(); }
bool inside_loop() { return g_alone.load(std::memory_order_relaxed) || omp_in_parallel(); }

// Calls body(thread, team) once on each thread of a team of at most `threads`.
template <class Body>
void on_team(int threads, Body&& body) {
  g_team_started.store(true, std::memory_order_relaxed);
#pragma omp parallel num_threads(threads)
  body(omp_get_thread_num(), omp_get_num_threads());
}
#else
thread_local bool g_inside_loop = false;

int default_threads() {
  static const int threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  return threads;
}
bool inside_loop() { return g_inside_loop; }

template <class Body>
void on_team(int threads, Body&& body) {
  const auto member = [&](int thread) {
    g_inside_loop = true;
    body(thread, threads);
    g_inside_loop = false;
  };
  std::vector<std::thread> others;
  for (int thread = 1; thread < threads; ++thread) others.emplace_back(member, thread);
  member(0);
  for (std::thread& other : others) other.join();
}
#endif

}  // namespace

int num_threads() {
  const int threads = g_threads.load(std::memory_order_relaxed);
  return threads > 0 ? threads : default_threads();
}

void set_num_threads(int count) {
  NDL_CHECK(count >= 1, ValueError, "set_num_threads", "bad thread count: got ", count, ", expected 1 or more.");
  g_threads.store(count, std::memory_order_relaxed);
}

const char* isa_name() {
  if (kIsa == Isa::Avx512) return kFastBf16Dot ? "avx512+vdpbf16ps" : "avx512";
  return kIsa == Isa::Avx2 ? "avx2" : "baseline";
}

namespace detail {

void run_ranges(int64_t count, int64_t grain, RangeFn run, void* context) {
  const int64_t most = grain > 0 ? (count + grain - 1) / grain : count;
  const int threads = static_cast<int>(std::min<int64_t>(num_threads(), most));
  if (threads <= 1 || inside_loop()) {
    run(context, 0, count);
    return;
  }
  FirstError error;
  on_team(threads, [&](int64_t me, int64_t team) {
    const int64_t begin = count * me / team;
    const int64_t end = count * (me + 1) / team;
    if (begin < end) error.guard([&] { run(context, begin, end); });
  });
  error.rethrow();
}

void run_tasks(int64_t count, RangeFn run, void* context) {
  const int threads = static_cast<int>(std::min<int64_t>(num_threads(), count));
  if (threads <= 1 || inside_loop()) {
    for (int64_t task = 0; task < count; ++task) run(context, task, task + 1);
    return;
  }
  FirstError error;
  std::atomic<int64_t> next{0};
  on_team(threads, [&](int64_t, int64_t) {
    for (int64_t task = next++; task < count; task = next++) error.guard([&] { run(context, task, task + 1); });
  });
  error.rethrow();
}

}  // namespace detail
}  // namespace needlecpp
