#pragma once

#include <filesystem>

namespace ft {

// `weights` itself when it is a file; in a run directory the final weights, else the best, else the newest
// checkpoint's; in a checkpoint directory its model. DataError when there is nothing of that kind.
[[nodiscard]] std::filesystem::path locate_weights(const std::filesystem::path& weights);

}  // namespace ft
