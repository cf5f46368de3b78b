// Pictures out as PNG.
#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include "ft/data/image.h"

namespace ft {

[[nodiscard]] std::vector<std::byte> encode_png(const RgbImage& image);

// Appears whole under its name, or not at all. DataError when it cannot be written.
void write_png(const std::filesystem::path& path, const RgbImage& image);

}  // namespace ft
