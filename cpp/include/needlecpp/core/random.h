// Streams of counter-based random numbers (Philox4x32-10: Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3",
// SC11). Element i of a draw depends on (seed, draw number, i) alone, hence not on the thread count or the device. The
// draws are ops: ops/random.h.
#pragma once

#include <atomic>
#include <cstdint>

namespace needlecpp {

// A stream of draws. `next()` hands out the key of one draw; kernels turn (key, element) into numbers. Threads may draw
// from one stream: each gets other numbers, in no particular order.
class Generator {
 public:
  explicit Generator(uint64_t seed = 0) : seed_(seed) {}
  Generator(const Generator& other) : seed_(other.seed()), draw_(other.draw()) {}
  Generator& operator=(const Generator& other) {
    seed_ = other.seed();
    draw_ = other.draw();
    return *this;
  }
  struct Key {
    uint64_t seed;
    uint64_t draw;
  };
  Key next() { return {seed_, draw_.fetch_add(1, std::memory_order_relaxed)}; }
  void seed(uint64_t value) {
    seed_ = value;
    draw_ = 0;
  }
  uint64_t seed() const { return seed_; }
  uint64_t draw() const { return draw_; }
  void set_draw(uint64_t draw) { draw_ = draw; }

 private:
  std::atomic<uint64_t> seed_;
  std::atomic<uint64_t> draw_{0};
};

// The stream that draws of this thread come from unless another is named: one for the whole program, or the one of the
// innermost GeneratorScope. The program's starts at a seed of the system's randomness. In a child made by fork it goes
// on at a seed that follows from its own and the number of forks since it was seeded: children draw other numbers than
// their parent and each other, and the same ones each time the parent was seeded by hand.
Generator& default_generator();
void manual_seed(uint64_t seed);  // reseeds the default generator
uint64_t initial_seed();          // the seed that the default generator started at

// While one lives, `generator` is this thread's default.
class GeneratorScope {
 public:
  explicit GeneratorScope(Generator& generator);
  ~GeneratorScope();
  GeneratorScope(const GeneratorScope&) = delete;
  GeneratorScope& operator=(const GeneratorScope&) = delete;

 private:
  Generator* before_;
};

}  // namespace needlecpp
