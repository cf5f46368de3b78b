// Forward and backward of one step on one rank: what it adds to the sum of gradients, and what it counted.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "ft/config/config.h"
#include "ft/data/loader.h"
#include "ft/train/elastic_statistics.h"
#include "ft/train/gradient_sum.h"
#include "ft/train/micro_batches.h"
#include "ft/train/rank_context.h"

namespace ft {

// This rank's part of a step. Times in seconds of wall clock.
struct StepShare {
  double loss_sum = 0;
  std::uint64_t correct = 0;
  std::uint64_t count = 0;
  double data_s = 0;
  double compute_s = 0;
  // Not hidden behind compute_s: what is left of the sums of gradients, and batch norm's sums over all ranks.
  double comm_s = 0;
  CommunicationCost gradients;
  // What is wrong when the loss is not finite ("loss nan; samples 4, 19"), or when `dist.elastic` cannot add
  // what came; empty otherwise.
  std::string not_finite;
  // What kept this rank from its images (a sample that does not verify).
  std::exception_ptr failure;

  [[nodiscard]] bool good() const noexcept { return not_finite.empty() && !failure; }
};

// Where batches come from: a loader's next(), or made-up ones in a benchmark.
using NextBatch = std::function<std::optional<BatchView>()>;

class StepRunner {
 public:
  // All references must outlive the runner. `frozen` are the config's module names.
  StepRunner(ResNet& model, GradientSum& gradients, const Config& config, const RankContext& context);

  // Consumes micro_batch_cut()'s batches from `next`: this rank's share of a step of `images` images over all
  // ranks. Afterwards the flat gradients hold the sum over all ranks of the gradients of
  // the SUM loss (label smoothing included). A rank whose loss is not finite, or whose images cannot be read,
  // stops its own backward but takes part in every all-reduce, so that the ranks can agree on what to do.
  [[nodiscard]] StepShare run(const NextBatch& next, std::uint64_t images);
  // After something put the model in evaluation mode.
  void back_to_training() noexcept { training_mode_ = false; }

 private:
  // `images`: that are normalised together.
  void enter_training_mode(std::uint64_t images);
  [[nodiscard]] bool has_one_value(std::uint64_t images) const noexcept;
  void run_micro_batch(const BatchView& batch, bool last, StepShare& share);
  void run_parts(const NextBatch& next, std::uint64_t images, StepShare& share);
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
  std::optional<ElasticStatistics> statistics_;  // with dist.elastic, once the model has been in train mode
  bool over_ranks_;                              // batch norm
  // Seconds in its sums; the model's hook, which counts them, may outlive this.
  std::shared_ptr<double> normalizing_s_ = std::make_shared<double>(0);
  bool training_mode_ = false;
  bool running_statistics_used_ = false;
  bool said_so_ = false;
};

}  // namespace ft
