// Whether the steps of a training teach anything.
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

namespace needlecpp {

struct TrainerStep;

enum class Verdict {
  Learning,
  Idle,           // the last step had no sample that teaches: what it left is not worth saving
  Diverged,       // the loss is not finite
  SeesNothing,    // many steps in a row, and no ray had a sample in the scene box
  LearnsNothing,  // many steps in a row, and no sample carried weight
  StandsStill,    // the loss has not moved since the first steps
};
constexpr std::array<std::pair<const char*, Verdict>, 6> names_of(Verdict) {
  return {{{"learning", Verdict::Learning},
           {"idle", Verdict::Idle},
           {"diverged", Verdict::Diverged},
           {"sees nothing", Verdict::SeesNothing},
           {"learns nothing", Verdict::LearnsNothing},
           {"stands still", Verdict::StandsStill}}};
}

class Watch {
 public:
  // fresh: the training starts with the steps that are seen, and its loss has to fall.
  explicit Watch(bool fresh = true) : fresh_(fresh) {}

  // After every step. From Diverged on there is no point in going on.
  Verdict see(const TrainerStep& step);
  // After the last step: a short training may have been all in vain.
  Verdict end() const;

  double first_loss() const { return first_; }  // mean of the first steps
  double recent_loss() const;                   // and of the latest
  int64_t steps() const { return steps_; }

 private:
  bool fresh_;
  bool saw_samples_ = false;  // in the last step
  int64_t idle_ = 0;          // steps in a row without a sample that teaches
  int64_t steps_ = 0;
  double first_ = 0;
  std::vector<double> recent_;  // a ring
};

}  // namespace needlecpp
