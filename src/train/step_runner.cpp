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
    : model_(&model), reducer_(&reducer), config_(&config), context_(&context) {}

void StepRunner::enter_training_mode(std::size_t batch_size) {
  // ResNet's last map is 1x1 up to 32 pixels: over one image there is one value a channel, and no variance.
  constexpr int kLargestWithOnePixelMap = 32;
  const bool one_value = batch_size == 1 && config_->data.image_size <= kLargestWithOnePixelMap;
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
  enter_training_mode(batch.size());
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
    return;
  }
  if (last) reducer_->arm();
  loss.backward();
}

StepShare StepRunner::run(const NextBatch& next, std::uint64_t images) {
  StepShare share;
  const auto parts = static_cast<std::uint64_t>(config_->train.accumulate);
  const std::uint64_t with_images = std::min(parts, images);  // the first parts get the remainder
  for (std::uint64_t part = 0; part < parts; ++part) {
    const auto batch = next_or_failure(next, share);
    if (part >= with_images || !share.good()) continue;
    const Stopwatch computing;
    run_micro_batch(*batch, part + 1 == with_images, share);
    share.compute_s += computing.seconds();
  }
  const Stopwatch communicating;
  reducer_->finish();
  share.comm_s = communicating.seconds();
  return share;
}

}  // namespace ft
