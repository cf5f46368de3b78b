#include "ft/train/step_runner.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ft/base/error.h"
#include "ft/base/stopwatch.h"
#include "ft/comm/fixed_point.h"
#include "ft/model/freeze.h"
#include "ft/train/autocast.h"
#include "ft/train/batch_tensor.h"

namespace ft {
namespace {

// `what`, and the samples whose logits are not finite, else (only their sum overflowed) all of the batch.
std::string describe(const std::string& what, const torch::Tensor& logits, const BatchView& batch) {
  constexpr std::size_t kMostNamed = 16;
  const torch::Tensor good = torch::isfinite(logits.detach()).all(1).to(torch::kCPU);
  std::vector<std::uint64_t> ids;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (!good[static_cast<std::int64_t>(i)].item<bool>()) ids.push_back(batch.sample_ids[i]);
  }
  if (ids.empty()) ids.assign(batch.sample_ids.begin(), batch.sample_ids.end());
  const std::size_t more = ids.size() > kMostNamed ? ids.size() - kMostNamed : 0;
  ids.resize(ids.size() - more);
  return fmt::format("{}; samples {}{}", what, fmt::join(ids, ", "),
                     more > 0 ? fmt::format(" and {} more", more) : "");
}

// A sample that does not verify must not keep this rank from the step's all-reduces: the others wait in them.
std::optional<BatchView> next_or_failure(const NextBatch& next, StepShare& share) {
  const Stopwatch waiting;
  std::optional<BatchView> batch;
  if (!share.failure) {
    try {
      batch = next();
    } catch (const Error&) {
      share.failure = std::current_exception();
    }
  }
  share.data_s += waiting.seconds();
  return batch;
}

}  // namespace

StepRunner::StepRunner(ResNet& model, GradientSum& gradients, const Config& config,
                       const RankContext& context)
    : model_(&model),
      gradients_(&gradients),
      config_(&config),
      context_(&context),
      cut_(micro_batch_cut(config, context.rank(), context.world_size())),
      over_ranks_(config.model.batch_norm == BatchNormMode::kSync && context.world_size() > 1) {
  if (config.dist.elastic > 0) {
    set_train_mode(model, config.model.freeze, config.model.batch_norm);
    statistics_.emplace(model, *context.gradients, config.dist.elastic);
  }
  if (!over_ranks_) return;
  normalize_over_ranks(model, [ranks = context.gradients, seconds = normalizing_s_](torch::Tensor& sums) {
    const Stopwatch waiting;
    ranks
        ->start_all_reduce(sums.data_ptr<double>(), static_cast<std::size_t>(sums.numel()),
                           ElementKind::kFloat64, ReduceOp::kSum)
        ->wait(deadline_after(ranks->timeout()), "all-reduce of batch norm sums");
    *seconds += waiting.seconds();
  });
}

// ResNet's last map is 1x1 up to 32 pixels: over one image there is one value a channel, and no variance.
bool StepRunner::has_one_value(std::uint64_t images) const noexcept {
  constexpr int kLargestWithOnePixelMap = 32;
  return images == 1 && config_->data.image_size <= kLargestWithOnePixelMap;
}

void StepRunner::enter_training_mode(std::uint64_t images) {
  const bool one_value = has_one_value(images);
  if (one_value && !said_so_ && config_->model.batch_norm != BatchNormMode::kFrozen) {
    said_so_ = true;
    context_->log->warn(
        "a share of one image at {} px has a 1x1 last map: such steps normalise by running statistics",
        config_->data.image_size);
  }
  if (training_mode_ && one_value == running_statistics_used_) return;
  set_train_mode(*model_, config_->model.freeze,
                 one_value ? BatchNormMode::kFrozen : config_->model.batch_norm);
  training_mode_ = true;
  running_statistics_used_ = one_value;
}

void StepRunner::run_micro_batch(const BatchView& batch, bool last, StepShare& share) {
  const PixelLayout layout = config_->train.channels_last ? PixelLayout::kNhwc : PixelLayout::kNchw;
  const BatchTensors tensors = to_tensors(batch, config_->data.image_size, layout, context_->device);
  torch::Tensor logits, loss;
  if (statistics_) statistics_->begin_part();
  {
    const AutocastGuard autocast(config_->train.precision, context_->device.type());
    logits = (*model_)->forward(tensors.images).to(torch::kFloat32);
    const auto options = torch::nn::functional::CrossEntropyFuncOptions()
                             .reduction(torch::kSum)
                             .label_smoothing(config_->train.label_smoothing);
    loss = torch::nn::functional::cross_entropy(logits, tensors.labels, options);
  }
  if (statistics_ && !running_statistics_used_) statistics_->end_part();
  const auto value = loss.item<double>();
  share.loss_sum += statistics_ ? exact_loss_term(value) : value;
  share.correct +=
      static_cast<std::uint64_t>((logits.argmax(1) == tensors.labels).sum().item<std::int64_t>());
  share.count += batch.size();
  if (!std::isfinite(value)) {
    share.not_finite = describe(std::isnan(value) ? "loss nan" : "loss inf", logits, batch);
    if (!over_ranks_) return;
  }
  if (last) {
    if (statistics_) statistics_->start_sum();
    gradients_->arm();
  }
  loss.backward();
  if (const std::string trouble = elastic_trouble(value); !trouble.empty())
    share.not_finite = describe(trouble, logits, batch);
}

std::string StepRunner::elastic_trouble(double loss) const {
  if (!statistics_) return {};
  if (std::fabs(loss) >= exact_loss_limit(config_->dist.elastic))
    return fmt::format("loss {:.3g}, more than dist.elastic can add", loss);
  if (std::string trouble = statistics_->trouble(); !trouble.empty()) return trouble;
  return gradients_->trouble();
}

int StepRunner::micro_batches(std::uint64_t images) const {
  // The first ranks and parts get the remainders.
  MicroBatchCut whose = cut_;
  if (over_ranks_) whose.rank = 0;
  int count = 0;
  while (count < whose.micro_batches() && whose.part(images, count).count > 0) ++count;
  return count;
}

std::uint64_t StepRunner::normalized_together(std::uint64_t images, int micro, std::uint64_t own) const {
  if (!over_ranks_) return own;
  std::uint64_t sum = 0;
  MicroBatchCut cut = cut_;
  for (cut.rank = 0; cut.rank < context_->world_size(); ++cut.rank) sum += cut.part(images, micro).count;
  return sum;
}

void StepRunner::run_parts(const NextBatch& next, std::uint64_t images, StepShare& share) {
  const int count = micro_batches(images);
  for (int micro = 0; micro < cut_.micro_batches(); ++micro) {
    auto batch = next_or_failure(next, share);
    if (micro >= count) continue;
    if (!share.good()) {
      if (!over_ranks_) continue;
      batch = BatchView();  // the others wait for this rank's sums
    }
    const Stopwatch computing;
    *normalizing_s_ = 0;
    enter_training_mode(normalized_together(images, micro, batch->size()));
    run_micro_batch(*batch, micro + 1 == count, share);
    share.compute_s += computing.seconds() - *normalizing_s_;
    share.comm_s += *normalizing_s_;
  }
}

// Waits for what all ranks add up.
CommunicationCost StepRunner::finish_sums(std::uint64_t images) {
  if (statistics_) statistics_->start_sum();
  const CommunicationCost cost = gradients_->finish();
  if (!statistics_) return cost;
  std::uint64_t normalized = 0;
  MicroBatchCut parts{0, 1, 1, config_->dist.elastic};
  for (int part = 0; part < parts.micro_batches(); ++part) {
    const std::uint64_t count = parts.part(images, part).count;
    if (count > 0 && !has_one_value(count)) ++normalized;
  }
  statistics_->finish(normalized);
  return cost;
}

StepShare StepRunner::run(const NextBatch& next, std::uint64_t images) {
  StepShare share;
  if (statistics_) statistics_->begin_step();
  run_parts(next, images, share);
  const Stopwatch communicating;
  share.gradients = finish_sums(images);
  share.comm_s += communicating.seconds();
  return share;
}

}  // namespace ft
