// Contact sheets of a packed set: what it holds, and what training sees of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ft/data/image.h"
#include "ft/data/packed_set.h"

namespace ft {

struct SheetOptions {
  std::vector<std::string> classes;  // empty: all; see choose_sheet_samples
  int per_class = 8;
  int cell = 128;  // the side of a picture's square, in pixels
};

struct AugmentedSheetOptions {
  std::vector<std::string> classes;
  int per_class = 0;  // 0: as many as make about eight rows
  int cell = 0;       // 0: image_size, so that the sheet shows the very pixels
  int epochs = 6;
  std::uint64_t seed = 0;  // run.seed
  int image_size = 224;    // data.image_size
};

// A row of samples a class, whole. DataError that names a damaged sample.
[[nodiscard]] RgbImage draw_set_sheet(const PackedSet& set, const SheetOptions& options);

// A row a sample: as stored, then as the training transform gives it in epoch 1, 2, ...; without the
// normalisation, which is no picture. DataError that names a damaged sample.
[[nodiscard]] RgbImage draw_augmented_sheet(const PackedSet& set, const AugmentedSheetOptions& options);

}  // namespace ft
