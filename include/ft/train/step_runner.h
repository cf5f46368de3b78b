// Forward and backward of one step on one rank: what it adds to the sum of gradients, and what it counted.
#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "ft/config/config.h"
#include "ft/train/batch_feed.h"
#include "ft/train/elastic_statistics.h"
#include "ft/train/gradient_sum.h"
#include "ft/train/micro_batches.h"
#include "ft/train/phase_timer.h"
#include "ft/train/rank_context.h"

namespace ft {

// This rank's part of a step.
struct StepShare {
  double loss_sum = 0;
  std::uint64_t correct = 0;
  std::uint64_t count = 0;
  PhaseTimes times;  // from take_times()
  CommunicationCost gradients;
  // What is wrong when the loss is not finite ("loss nan; samples 4, 19"), or when `dist.elastic` cannot add
  // what came; empty otherwise.
  std::string not_finite;
  // What kept this rank from its images (a sample that does not verify).
  std::exception_ptr failure;

  [[nodiscard]] bool good() const noexcept { return not_finite.empty() && !failure; }
};

class StepRunner {
 public:
  // All references must outlive the runner, and with batch norm over ranks the model trains no longer than
  // it.
  StepRunner(ResNet& model, GradientSum& gradients, const Config& config, const RankContext& context);
  StepRunner(const StepRunner&) = delete;
  StepRunner& operator=(const StepRunner&) = delete;

  // Consumes micro_batch_cut()'s batches from `feed`: this rank's share of a step of `images` images over all
  // ranks. Afterwards the flat gradients hold the sum over all ranks of the gradients of the SUM loss (label
  // smoothing included). A rank whose loss is not finite, or whose images cannot be read, takes part in every
  // all-reduce all the same, so that the ranks can agree on what to do. Nothing is read back from a GPU
  // before all of the step has been given to it (with dist.elastic: of each part).
  [[nodiscard]] StepShare run(BatchFeed& feed, std::uint64_t images);
  // Where the time goes. A step leaves it in Phase::kOther.
  [[nodiscard]] PhaseTimer& timer() noexcept { return timer_; }
  // Once the step is over, its update included: PhaseTimer::take(), and what the sums cost by that clock.
  void take_times(StepShare& share);
  // After something put the model in evaluation mode.
  void back_to_training() noexcept { training_mode_ = false; }

 private:
  // `images`: that are normalised together.
  void enter_training_mode(std::uint64_t images);
  // What a micro-batch came to, where it was computed.
  struct Outcome {
    torch::Tensor counts;  // [2] float64: summed loss, right answers
    torch::Tensor logits;
    std::vector<std::uint64_t> sample_ids;
  };

  void run_micro_batch(const FedBatch& batch, bool last, StepShare& share);
  void run_parts(BatchFeed& feed, std::uint64_t images, StepShare& share);
  [[nodiscard]] FedBatch no_images() const;
  void read(const Outcome& outcome, const torch::Tensor& counts, StepShare& share) const;
  void read_outcomes(StepShare& share);
  CommunicationCost finish_sums(std::uint64_t images);
  [[nodiscard]] std::string elastic_trouble(double loss) const;
  // How many of a step's micro-batches this rank runs. With batch norm over all ranks it runs those in which
  // any rank has images, if need be without any itself.
  [[nodiscard]] int micro_batches(std::uint64_t images) const;
  [[nodiscard]] std::uint64_t normalized_together(std::uint64_t images, int micro, std::uint64_t own) const;

  ResNet* model_;
  GradientSum* gradients_;
  const Config* config_;
  const RankContext* context_;
  MicroBatchCut cut_;
  PhaseTimer timer_;
  std::vector<Outcome> outcomes_;                // of this step, not read yet
  std::optional<ElasticStatistics> statistics_;  // with dist.elastic, once the model has been in train mode
  bool over_ranks_;                              // batch norm
  bool training_mode_ = false;
  bool running_statistics_used_ = false;
};

}  // namespace ft
