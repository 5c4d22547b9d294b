// Which stream the draws of a thread come from, and what becomes of it in a child made by fork.
#include "needlecpp/core/random.h"

#if __has_include(<pthread.h>)
#include <pthread.h>
#endif

#include <random>

namespace needlecpp {
namespace {

thread_local Generator* g_thread_generator = nullptr;
std::atomic<uint64_t> g_forks{0};  // since the program's stream was seeded

uint64_t seed_of_system() {
  std::random_device device;
  return (uint64_t{device()} << 32) | device();
}

Generator& program_generator() {
  static Generator generator(seed_of_system());
  return generator;
}

// A bijection of 64 bits without visible pattern (the finalizer of SplitMix64).
uint64_t scramble(uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

#if __has_include(<pthread.h>)
// The parent counts its forks just before each, so that the child finds its own number. The stream is made here at the
// latest: children that each made theirs from the system's randomness could not be repeated.
[[maybe_unused]] const int g_at_fork = pthread_atfork(
    [] {
      program_generator();
      g_forks.fetch_add(1);
    },
    nullptr, [] { program_generator().seed(scramble(program_generator().seed() ^ scramble(g_forks.exchange(0)))); });
#endif

}  // namespace

Generator& default_generator() { return g_thread_generator ? *g_thread_generator : program_generator(); }
GeneratorScope::GeneratorScope(Generator& generator) : before_(g_thread_generator) { g_thread_generator = &generator; }
GeneratorScope::~GeneratorScope() { g_thread_generator = before_; }

void manual_seed(uint64_t seed) {
  default_generator().seed(seed);
  if (!g_thread_generator) g_forks = 0;
}
uint64_t initial_seed() { return default_generator().seed(); }

}  // namespace needlecpp
