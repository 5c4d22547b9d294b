// How long a training goes on: so many steps, or so many seconds. A budget is asked before each step how far the
// training is, and told after it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace needlecpp {

class Budget {
 public:
  // Throws ValueError unless it is above 0 and finite.
  static Budget of_steps(int64_t steps);
  // A step that would end later than it is now early is not begun; the first always is.
  static Budget of_seconds(double seconds);

  // Before a step, of a training that has done `steps`: its progress in [0, 1], or nothing where the budget is spent.
  // The clock starts with the first call.
  std::optional<double> begin(int64_t steps);
  // After that step.
  void end();

  // Seconds of training so far, as of the last end(). A training that goes on after it was saved starts with those of
  // before.
  double seconds() const { return seconds_; }
  void set_seconds(double seconds);

 private:
  using Clock = std::chrono::steady_clock;
  double elapsed() const { return before_ + std::chrono::duration<double>(Clock::now() - start_).count(); }

  int64_t most_steps_ = 0;  // 0: seconds count
  double most_seconds_ = 0;
  bool running_ = false;
  Clock::time_point start_{};
  double before_ = 0;  // seconds of earlier parts of the training
  double begun_ = 0;   // when the step at hand was
  double seconds_ = 0;
  double pace_ = 0;  // seconds a step, smoothed
};

}  // namespace needlecpp
