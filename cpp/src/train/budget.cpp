// Budgets of steps and of seconds.
#include "needlecpp/train/budget.h"

#include <algorithm>
#include <cmath>

#include "needlecpp/core/error.h"

namespace needlecpp {

Budget Budget::of_steps(int64_t steps) {
  NDL_CHECK(steps >= 1, ValueError, "budget", "bad number of steps: got ", steps, ", expected 1 or more.");
  Budget budget;
  budget.most_steps_ = steps;
  return budget;
}

Budget Budget::of_seconds(double seconds) {
  NDL_CHECK(seconds > 0 && std::isfinite(seconds), ValueError, "budget", "bad number of seconds: got ", seconds,
            ", expected a positive number.");
  Budget budget;
  budget.most_seconds_ = seconds;
  return budget;
}

void Budget::set_seconds(double seconds) {
  NDL_CHECK(seconds >= 0 && std::isfinite(seconds), ValueError, "budget", "bad seconds of before: got ", seconds,
            ", expected 0 or more.");
  before_ = seconds_ = seconds;
  running_ = false;
}

std::optional<double> Budget::begin(int64_t steps) {
  if (!running_) {
    running_ = true;
    start_ = Clock::now();
  }
  begun_ = elapsed();
  if (most_steps_ > 0) {
    if (steps >= most_steps_) return std::nullopt;
    return static_cast<double>(steps) / static_cast<double>(most_steps_);
  }
  if (steps > 0 && begun_ + pace_ / 2 >= most_seconds_) return std::nullopt;
  return std::min(begun_ / most_seconds_, 1.0);
}

void Budget::end() {
  seconds_ = elapsed();
  const double spent = seconds_ - begun_;
  pace_ = pace_ > 0 ? 0.9 * pace_ + 0.1 * spent : spent;
}

}  // namespace needlecpp
