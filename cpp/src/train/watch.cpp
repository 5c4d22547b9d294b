// When a training is given up. The numbers are generous: a training that learns passes them all by far.
#include "needlecpp/train/watch.h"

#include <cmath>
#include <numeric>

#include "needlecpp/train/trainer.h"

namespace needlecpp {
namespace {

constexpr int64_t kIdleSteps = 200;
// The mean loss of so many first and latest steps is compared once, after kPatience steps.
constexpr int64_t kFirstSteps = 8;
constexpr size_t kRecentSteps = 200;
constexpr int64_t kPatience = 1000;
constexpr double kMoved = 0.98;    // of the first loss: above it, nothing has been learnt
constexpr double kPerfect = 1e-6;  // a loss that need not move

}  // namespace

Verdict Watch::see(const TrainerStep& step) {
  ++steps_;
  if (!std::isfinite(step.loss)) return Verdict::Diverged;
  saw_samples_ = step.samples > 0;
  idle_ = step.live == 0 ? idle_ + 1 : 0;
  if (steps_ <= kFirstSteps) first_ += step.loss / kFirstSteps;
  if (recent_.size() < kRecentSteps)
    recent_.push_back(step.loss);
  else
    recent_[static_cast<size_t>(steps_ - 1) % kRecentSteps] = step.loss;
  if (idle_ >= kIdleSteps) return saw_samples_ ? Verdict::LearnsNothing : Verdict::SeesNothing;
  if (fresh_ && steps_ == kPatience && recent_loss() > kMoved * first_ && recent_loss() > kPerfect)
    return Verdict::StandsStill;
  return idle_ > 0 ? Verdict::Idle : Verdict::Learning;
}

Verdict Watch::end() const {
  if (steps_ > 0 && idle_ == steps_) return saw_samples_ ? Verdict::LearnsNothing : Verdict::SeesNothing;
  return Verdict::Learning;
}

double Watch::recent_loss() const {
  if (recent_.empty()) return 0;
  return std::accumulate(recent_.begin(), recent_.end(), 0.0) / static_cast<double>(recent_.size());
}

}  // namespace needlecpp
