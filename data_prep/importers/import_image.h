// From a picture file of any supported container to what a shard stores.
#pragma once

#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "ft/data/codec.h"

namespace ft {

struct ImportedImage {
  Codec codec;
  std::vector<std::byte> payload;
  int width, height;
  std::string converted;  // empty: stored as found; else what became of it, e.g. "PNG P -> RGB"
  bool exif_oriented;     // asks to be shown mirrored or turned, which training ignores
};

// Why a file is not imported, in one line: "unsupported: PSD", "truncated JPEG: ...", "not an image: HTML".
class ImportError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Tells the container by content, decodes the first picture in full and returns it: a plain 8-bit grey or RGB
// JPEG as found, anything else as the RGB pixels of Pillow 13.0.0's Image.open(f).convert("RGB"), losslessly.
// What Pillow refuses, or fails to load, is an ImportError. Thread-safe.
[[nodiscard]] ImportedImage import_image(std::span<const std::byte> file);

}  // namespace ft
