// What augmentation draws for a sample: a pure function of (seed, epoch, sample_id), never of rank, thread or
// shard.
#pragma once

#include <cstdint>

#include "ft/data/image.h"

namespace ft {

struct AugmentDraw {
  Box crop;
  bool flip;
};

// torchvision's RandomResizedCrop(scale=(0.08, 1), ratio=(3/4, 4/3)).get_params and
// RandomHorizontalFlip(0.5): the same algorithm and distribution, our own random numbers.
[[nodiscard]] AugmentDraw draw_augmentation(std::uint64_t seed, std::uint32_t epoch, std::uint64_t sample_id,
                                            int width, int height);

}  // namespace ft
