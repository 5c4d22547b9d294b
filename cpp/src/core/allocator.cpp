// The caching allocator.
//
// Training asks for the same dozen sizes thousands of times a second; the system's allocator answers large ones with
// fresh pages that fault in one by one. So a block that a tensor gives back is kept in a bin and handed out again.
//
// Sizes are rounded up to a bin: multiples of 64 bytes to 1 KiB, above that four steps an octave, so a block is at
// most a quarter larger than asked for and batches whose size varies from step to step still find each other's blocks.
// Blocks of 2 MiB and more are aligned to huge pages and advised to be them: a hash table read at random otherwise
// spends its time in TLB misses.
//
// Invariants, under one lock: `current` is the sum of the rounded sizes of live blocks, `cached` that of binned ones.
// Binned are at most as many bytes as were ever live at once, within kLeastCached and kMostCached; beyond that the bins
// that were longest without use give theirs back to the system. A training whose steps vary in size so holds the sizes
// of its last steps, not of all it has seen. The limit counts live blocks only, and a request that the system refuses
// is tried again after the bins are emptied.
//
// Start reading at allocate().
#include "needlecpp/core/allocator.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <vector>

#include "core/spin_lock.h"
#include "needlecpp/core/error.h"

namespace needlecpp {

thread_local const char* OpScope::current_ = "tensor";

namespace {

constexpr size_t kSmallStep = 64;
constexpr size_t kSmallMax = 1024;
constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kLeastCached = size_t{64} << 20;
constexpr size_t kMostCached = size_t{2} << 30;
constexpr int kBins = 16 + 4 * 54;

struct Bin {
  int index;
  size_t bytes;
};

Bin bin_of(size_t bytes) {
  if (bytes <= kSmallMax) {
    const size_t steps = bytes == 0 ? 1 : (bytes + kSmallStep - 1) / kSmallStep;
    return {static_cast<int>(steps - 1), steps * kSmallStep};
  }
  const int octave = 63 - __builtin_clzll(bytes - 1);  // 2^octave < bytes <= 2^(octave + 1)
  const size_t step = size_t{1} << (octave - 2);
  const size_t steps = (bytes - (size_t{1} << octave) + step - 1) / step;  // 1..4
  return {16 + (octave - 10) * 4 + static_cast<int>(steps) - 1, (size_t{1} << octave) + steps * step};
}

struct Blocks {
  std::vector<void*> free;
  size_t bytes = 0;   // of one
  uint64_t used = 0;  // when, counted in requests and returns
};

struct State {
  SpinLock lock;
  Blocks bins[kBins];
  uint64_t clock = 0;
  size_t most = 0;  // bytes ever live at once
  MemoryStats stats;
  size_t limit = 0;
};

// Leaked on purpose: tensors held by static objects may be freed after any destructor here would have run.
State& state() {
  static State* instance = new State;
  return *instance;
}

void* system_allocate(size_t bytes) {
  const size_t alignment = bytes >= kHugePage ? kHugePage : 64;
  void* block = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (block != nullptr && bytes >= kHugePage) madvise(block, bytes, MADV_HUGEPAGE);
  return block;
}

void empty_bins(State& s) {
  for (Blocks& bin : s.bins) {
    for (void* block : bin.free) std::free(block);
    bin.free.clear();
  }
  s.stats.cached = 0;
}

// Gives blocks back until no more than `bytes` stay binned.
void trim_bins(State& s, size_t bytes) {
  while (s.stats.cached > bytes) {
    Blocks* oldest = nullptr;
    for (Blocks& bin : s.bins)
      if (!bin.free.empty() && (oldest == nullptr || bin.used < oldest->used)) oldest = &bin;
    for (; s.stats.cached > bytes && !oldest->free.empty(); oldest->free.pop_back()) {
      std::free(oldest->free.back());
      s.stats.cached -= oldest->bytes;
    }
  }
}

}  // namespace

void* allocate(size_t bytes, Device device) {
  if (device.type != DeviceType::CPU) [[unlikely]]
    check_available(OpScope::current(), device);
  State& s = state();
  NDL_CHECK(bytes <= size_t{1} << 60, MemoryError, OpScope::current(), "out of memory: got a request for ", bytes,
            " bytes, expected at most 2^60.");
  const Bin bin = bin_of(bytes);
  std::lock_guard guard(s.lock);
  NDL_CHECK(s.limit == 0 || s.stats.current + bin.bytes <= s.limit, MemoryError, OpScope::current(),
            "memory limit exceeded: got a request for ", bytes, " bytes with ", s.stats.current,
            " bytes in use, expected at most ", s.limit,
            " bytes together. Raise it with set_memory_limit or use smaller batches.");
  Blocks& blocks = s.bins[bin.index];
  blocks.used = ++s.clock;
  void* block = nullptr;
  if (!blocks.free.empty()) {
    block = blocks.free.back();
    blocks.free.pop_back();
    s.stats.cached -= bin.bytes;
  } else {
    block = system_allocate(bin.bytes);
    if (block == nullptr) {
      empty_bins(s);
      block = system_allocate(bin.bytes);
    }
    NDL_CHECK(block != nullptr, MemoryError, OpScope::current(), "out of memory: got a request for ", bytes,
              " bytes with ", s.stats.current, " bytes in use, expected free memory of that size.");
  }
  s.stats.current += bin.bytes;
  if (s.stats.current > s.stats.peak) s.stats.peak = s.stats.current;
  if (s.stats.current > s.most) s.most = s.stats.current;
  ++s.stats.count;
  return block;
}

void deallocate(void* block, size_t bytes, Device) noexcept {
  State& s = state();
  const Bin bin = bin_of(bytes);
  std::lock_guard guard(s.lock);
  s.stats.current -= bin.bytes;
  Blocks& blocks = s.bins[bin.index];
  blocks.used = ++s.clock;
  blocks.bytes = bin.bytes;
  blocks.free.push_back(block);
  s.stats.cached += bin.bytes;
  const size_t most = std::clamp(s.most, kLeastCached, kMostCached);
  if (s.stats.cached > most) trim_bins(s, most);
}

MemoryStats memory_stats() {
  State& s = state();
  std::lock_guard guard(s.lock);
  return s.stats;
}

void reset_peak_memory() {
  State& s = state();
  std::lock_guard guard(s.lock);
  s.stats.peak = s.stats.current;
}

void set_memory_limit(size_t bytes) {
  State& s = state();
  std::lock_guard guard(s.lock);
  s.limit = bytes;
}

size_t memory_limit() {
  State& s = state();
  std::lock_guard guard(s.lock);
  return s.limit;
}

void release_cached_memory() {
  State& s = state();
  std::lock_guard guard(s.lock);
  empty_bins(s);
}

}  // namespace needlecpp
