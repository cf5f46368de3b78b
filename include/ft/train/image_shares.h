// Which ranks get images at all, and whose BatchNorm can learn from them. A function of the config, the
// number of training samples and the number of ranks only: every rank knows it of all of them without asking.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ft/config/config.h"

namespace ft {

// Whether BatchNorm can normalise so many images, taken together, by their own statistics. ResNet's last map
// is 1x1 up to 32 pixels: over one image there is then one value a channel and no variance, and the running
// statistics have to do.
[[nodiscard]] bool have_own_statistics(std::uint64_t images, int image_size) noexcept;

// How many ranks get images in any step: the first ones.
[[nodiscard]] int ranks_with_images(const Config& config, std::uint64_t samples, int world_size);

// How many ranks' running statistics say something: the first ones. Those of a rank that never normalises by
// its own images stay as they were at the start. All ranks, where their statistics are the same.
[[nodiscard]] int ranks_with_statistics(const Config& config, std::uint64_t samples, int world_size);

// What a user should know of these shares before the first step; a sentence each, with its cure.
[[nodiscard]] std::vector<std::string> share_warnings(const Config& config, std::uint64_t samples,
                                                      int world_size);

}  // namespace ft
