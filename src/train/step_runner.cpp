#include "ft/train/step_runner.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ft/base/error.h"
#include "ft/base/stopwatch.h"
#include "ft/model/freeze.h"
#include "ft/train/autocast.h"
#include "ft/train/batch_tensor.h"
#include "ft/train/micro_batches.h"

namespace ft {
namespace {

// The samples whose logits are not finite, else (only their sum overflowed) all of the batch.
std::string describe_not_finite(double loss, const torch::Tensor& logits, const BatchView& batch) {
  constexpr std::size_t kMostNamed = 16;
  const torch::Tensor good = torch::isfinite(logits.detach()).all(1).to(torch::kCPU);
  std::vector<std::uint64_t> ids;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (!good[static_cast<std::int64_t>(i)].item<bool>()) ids.push_back(batch.sample_ids[i]);
  }
  if (ids.empty()) ids.assign(batch.sample_ids.begin(), batch.sample_ids.end());
  const std::size_t more = ids.size() > kMostNamed ? ids.size() - kMostNamed : 0;
  ids.resize(ids.size() - more);
  return fmt::format("loss {}; samples {}{}", std::isnan(loss) ? "nan" : "inf", fmt::join(ids, ", "),
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

StepRunner::StepRunner(ResNet& model, GradientReducer& reducer, const Config& config,
                       const RankContext& context)
    : model_(&model),
      reducer_(&reducer),
      config_(&config),
      context_(&context),
      over_ranks_(config.model.batch_norm == BatchNormMode::kSync && context.world_size() > 1) {
  if (!over_ranks_) return;
  normalize_over_ranks(model, [ranks = context.gradients](torch::Tensor& sums) {
    ranks
        ->start_all_reduce(sums.data_ptr<double>(), static_cast<std::size_t>(sums.numel()),
                           ElementKind::kFloat64, ReduceOp::kSum)
        ->wait(deadline_after(ranks->timeout()), "all-reduce of batch norm sums");
  });
}

void StepRunner::enter_training_mode(std::uint64_t images) {
  // ResNet's last map is 1x1 up to 32 pixels: over one image there is one value a channel, and no variance.
  constexpr int kLargestWithOnePixelMap = 32;
  const bool one_value = images == 1 && config_->data.image_size <= kLargestWithOnePixelMap;
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
  {
    const AutocastGuard autocast(config_->train.precision, context_->device.type());
    logits = (*model_)->forward(tensors.images).to(torch::kFloat32);
    const auto options = torch::nn::functional::CrossEntropyFuncOptions()
                             .reduction(torch::kSum)
                             .label_smoothing(config_->train.label_smoothing);
    loss = torch::nn::functional::cross_entropy(logits, tensors.labels, options);
  }
  const auto value = loss.item<double>();
  share.loss_sum += value;
  share.correct +=
      static_cast<std::uint64_t>((logits.argmax(1) == tensors.labels).sum().item<std::int64_t>());
  share.count += batch.size();
  if (!std::isfinite(value)) {
    share.not_finite = describe_not_finite(value, logits, batch);
    if (!over_ranks_) return;
  }
  if (last) reducer_->arm();
  loss.backward();
}

int StepRunner::micro_batches(std::uint64_t images) const {
  const auto cut = [&](int rank) {
    return MicroBatchCut{rank, context_->world_size(), config_->train.accumulate};
  };
  // The first ranks and parts get the remainders.
  const MicroBatchCut whose = cut(over_ranks_ ? 0 : context_->rank());
  int count = 0;
  while (count < config_->train.accumulate && whose.part(images, count).count > 0) ++count;
  return count;
}

std::uint64_t StepRunner::normalized_together(std::uint64_t images, int micro, std::uint64_t own) const {
  if (!over_ranks_) return own;
  std::uint64_t sum = 0;
  for (int rank = 0; rank < context_->world_size(); ++rank) {
    sum += MicroBatchCut{rank, context_->world_size(), config_->train.accumulate}.part(images, micro).count;
  }
  return sum;
}

StepShare StepRunner::run(const NextBatch& next, std::uint64_t images) {
  StepShare share;
  const int count = micro_batches(images);
  for (int micro = 0; micro < config_->train.accumulate; ++micro) {
    auto batch = next_or_failure(next, share);
    if (micro >= count) continue;
    if (!share.good()) {
      if (!over_ranks_) continue;
      batch = BatchView();  // the others wait for this rank's sums
    }
    const Stopwatch computing;
    enter_training_mode(normalized_together(images, micro, batch->size()));
    run_micro_batch(*batch, micro + 1 == count, share);
    share.compute_s += computing.seconds();
  }
  const Stopwatch communicating;
  reducer_->finish();
  share.comm_s = communicating.seconds();
  return share;
}

}  // namespace ft
