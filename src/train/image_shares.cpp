#include "ft/train/image_shares.h"

#include <algorithm>

#include <fmt/format.h>

#include "ft/train/micro_batches.h"

namespace ft {
namespace {

std::uint64_t batch_size(const Config& config) {
  return static_cast<std::uint64_t>(config.train.batch_size);
}

// Of all steps' batches; whoever gets nothing of it gets nothing of the others.
std::uint64_t largest_batch(const Config& config, std::uint64_t samples) {
  return std::min(batch_size(config), samples);
}

// Its first part is its largest.
std::uint64_t largest_part(const Config& config, std::uint64_t samples, int rank, int world_size) {
  return micro_batch_cut(config, rank, world_size).part(largest_batch(config, samples), 0).count;
}

bool each_rank_has_its_own(const Config& config) {
  return config.model.batch_norm == BatchNormMode::kLocal && config.dist.elastic == 0;
}

// What BatchNorm normalises together: some of it by its own statistics, some by the running ones.
struct Normalized {
  bool own = false, running = false;
};

void add_parts(MicroBatchCut cut, std::uint64_t images, int image_size, Normalized& found) {
  for (int micro = 0; micro < cut.micro_batches(); ++micro) {
    const std::uint64_t count = cut.part(images, micro).count;
    if (count == 0) return;  // and so are those that follow
    (have_own_statistics(count, image_size) ? found.own : found.running) = true;
  }
}

Normalized normalized_in_training(const Config& config, std::uint64_t samples, int world_size) {
  Normalized found;
  // Parts that are the same on any number of ranks are those of one rank.
  const int ranks = each_rank_has_its_own(config) ? ranks_with_images(config, samples, world_size) : 1;
  for (int rank = 0; rank < ranks; ++rank) {
    const MicroBatchCut cut = micro_batch_cut(config, rank, each_rank_has_its_own(config) ? world_size : 1);
    // An epoch's last batch has what is left.
    for (const std::uint64_t images : {largest_batch(config, samples), samples % batch_size(config)})
      add_parts(cut, images, config.data.image_size, found);
  }
  return found;
}

std::string of_ranks_without_images(const Config& config, std::uint64_t samples, int idle, int world_size) {
  const std::string who = fmt::format("{} of {} ranks get no images in any step", idle, world_size);
  if (samples < batch_size(config))
    return fmt::format("{}: there are {} training samples (start fewer ranks)", who, samples);
  const bool parts_first = config.model.batch_norm == BatchNormMode::kSync && config.train.accumulate > 1;
  if (parts_first) {
    return fmt::format(
        "{}: train.batch_size {} is cut into {} parts, each shared out by itself (lower train.accumulate, "
        "raise train.batch_size, or start fewer ranks)",
        who, config.train.batch_size, config.train.accumulate);
  }
  return fmt::format("{}: train.batch_size is {} (raise it, or start fewer ranks)", who,
                     config.train.batch_size);
}

}  // namespace

bool have_own_statistics(std::uint64_t images, int image_size) noexcept {
  constexpr int kLargestWithOnePixelMap = 32;
  return images > 1 || (images == 1 && image_size > kLargestWithOnePixelMap);
}

int ranks_with_images(const Config& config, std::uint64_t samples, int world_size) {
  int count = 0;
  while (count < world_size && largest_part(config, samples, count, world_size) > 0) ++count;
  return count;
}

int ranks_with_statistics(const Config& config, std::uint64_t samples, int world_size) {
  if (!each_rank_has_its_own(config)) return world_size;
  const auto learns = [&](int rank) {
    return have_own_statistics(largest_part(config, samples, rank, world_size), config.data.image_size);
  };
  int count = 0;
  while (count < world_size && learns(count)) ++count;
  return count > 0 ? count : world_size;  // where none learns, all are as at the start
}

std::vector<std::string> share_warnings(const Config& config, std::uint64_t samples, int world_size) {
  std::vector<std::string> warnings;
  const int idle = world_size - ranks_with_images(config, samples, world_size);
  if (idle > 0) warnings.push_back(of_ranks_without_images(config, samples, idle, world_size));
  if (config.model.batch_norm == BatchNormMode::kFrozen) return warnings;

  const Normalized found = normalized_in_training(config, samples, world_size);
  if (found.running && found.own) {
    warnings.push_back(
        fmt::format("a share of one image at {} px has a 1x1 last map: such shares are normalised by running "
                    "statistics, which learn nothing from them",
                    config.data.image_size));
  } else if (found.running) {
    warnings.push_back(fmt::format(
        "every share is one image, which at {} px has a 1x1 last map: all are normalised by running "
        "statistics, which therefore never change (larger batches or images, or fewer shares)",
        config.data.image_size));
  }
  return warnings;
}

}  // namespace ft
