#include "ft/train/run_plan.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ft/base/error.h"
#include "ft/base/hash.h"
#include "ft/train/micro_batches.h"

namespace ft {
namespace {

void require_same_classes(const PackedSet& train, const PackedSet& other, const char* key) {
  if (train.classes() == other.classes()) return;
  throw DataError(fmt::format("{} and data.train have different classes: [{}] in {}, [{}] in {}", key,
                              fmt::join(other.classes(), ", "), other.directory().string(),
                              fmt::join(train.classes(), ", "), train.directory().string()),
                  "pack both from folders of the same names");
}

std::vector<std::uint64_t> overfit_ids(std::uint64_t samples, std::vector<std::uint64_t> allowed,
                                       std::uint64_t count) {
  // The first of a shuffled order: a mix of the classes, which the first ids are not.
  const std::uint64_t available = allowed.empty() ? samples : allowed.size();
  const StepPlan one_batch(available, std::move(allowed), available, 0);
  std::vector<std::uint64_t> ids = one_batch.batch(1);
  ids.resize(std::min<std::size_t>(ids.size(), count));
  std::sort(ids.begin(), ids.end());
  return ids;
}

// Autocast would round fp32 pixels to bf16 before the first layer; the loader rounds them the same way, and a
// batch is half as large.
PixelType pixel_type(Precision precision) {
  return precision == Precision::kBf16 ? PixelType::kBfloat16 : PixelType::kFloat32;
}

StepPlan make_step_plan(const Config& config, const std::shared_ptr<const PackedSet>& train,
                        std::vector<std::uint64_t> ids) {
  const auto batch_size = static_cast<std::uint64_t>(config.train.batch_size);
  if (config.data.shuffle == Shuffle::kShard) {
    return {layout_of(train, ids), batch_size, config.run.seed};
  }
  return {train->size(), std::move(ids), batch_size, config.run.seed};
}

}  // namespace

std::string RunPlan::data_fingerprint() const {
  return fmt::format(
      "train {} test {} val {}", train->fingerprint(), test ? test->fingerprint() : "none",
      val ? val->fingerprint() + (val_ids.empty() ? "" : fmt::format(" ({} ids)", val_ids.size())) : "none");
}

RunPlan make_run_plan(const Config& config, int world_size) {
  if (config.data.train.empty()) {
    throw UsageError("data.train is not set", "name a packed set: --set data.train=DIR (ft_pack makes one)");
  }
  auto train = std::make_shared<const PackedSet>(config.data.train);
  std::shared_ptr<const PackedSet> test, val;
  if (!config.data.test.empty()) {
    test = std::make_shared<const PackedSet>(config.data.test);
    require_same_classes(*train, *test, "data.test");
  }

  std::vector<std::uint64_t> train_ids, val_ids;
  if (const auto* path = std::get_if<std::string>(&config.data.val)) {
    val = std::make_shared<const PackedSet>(*path);
    require_same_classes(*train, *val, "data.val");
  } else if (const double fraction = std::get<double>(config.data.val); fraction > 0) {
    ValSplit split = split_by_hash(train->size(), fraction, config.run.seed);
    if (split.train.empty() || split.val.empty()) {
      throw UsageError(
          fmt::format("data.val: {} of {} samples leaves one side empty", fraction, train->size()));
    }
    val = train;
    train_ids = std::move(split.train);
    val_ids = std::move(split.val);
  }

  if (config.train.overfit > 0) {
    train_ids =
        overfit_ids(train->size(), std::move(train_ids), static_cast<std::uint64_t>(config.train.overfit));
  }
  (void)micro_batch_cut(config, 0, world_size);  // whether there can be so many ranks

  StepPlan steps = make_step_plan(config, train, std::move(train_ids));
  const std::uint64_t total = steps.steps_per_epoch() * static_cast<std::uint64_t>(config.train.epochs);
  const auto limit = static_cast<std::uint64_t>(config.train.max_steps);
  return {std::move(train),
          std::move(test),
          std::move(val),
          std::move(val_ids),
          std::move(steps),
          total,
          limit > 0 ? std::min(limit, total) : total};
}

TransformOptions transform_options(const DataConfig& config) {
  constexpr double kImageNetRatio = 256.0 / 224.0;
  TransformOptions options;
  options.image_size = config.image_size;
  options.resize = config.resize.value_or(static_cast<int>(std::lround(config.image_size * kImageNetRatio)));
  options.resize_shorter = config.resize_mode == ResizeMode::kShorter;
  options.mean = {config.mean.r, config.mean.g, config.mean.b};
  options.std = {config.std.r, config.std.g, config.std.b};
  return options;
}

LoaderOptions training_loader_options(const Config& config) {
  LoaderOptions options;
  options.augment = config.data.augment == Augment::kImageNet;
  options.seed = config.run.seed;
  options.format = {pixel_type(config.train.precision),
                    config.train.channels_last ? PixelLayout::kNhwc : PixelLayout::kNchw};
  options.transform = transform_options(config.data);
  return options;
}

}  // namespace ft
