// What a shard stores of an imported picture.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "ft/data/codec.h"

#include "importers/import_image.h"

namespace ft {

enum class Encoding {
  kOriginal,  // a plain JPEG as found, anything else without loss
  kRaw,       // bare RGB pixels
};

struct EncodingOptions {
  Encoding encoding = Encoding::kOriginal;
  int max_side = 0;  // kRaw: a longer side above this is resampled to it; 0: pictures keep their size
  bool restart_index = false;  // kOriginal: plain JPEGs get restart markers, which a decoder can jump to
};

struct EncodedImage {
  Codec codec;
  std::vector<std::byte> payload;
  int width, height;                          // of what is stored
  std::vector<std::uint32_t> restart_offset;  // /restart_offset of a transcoded JPEG; else empty
  std::uint64_t found_bytes = 0;              // of the JPEG that was transcoded; else 0
  bool resampled = false;                     // its size is not the picture's own
  std::string converted;                      // as ImportedImage has it
  bool exif_oriented = false;                 // likewise
};

// Whether a file that can be kept is stored as it is.
[[nodiscard]] constexpr bool stores_files_as_found(const EncodingOptions& options) noexcept {
  return options.encoding == Encoding::kOriginal && !options.restart_index;
}
// What encode_image needs of a picture's pixels.
[[nodiscard]] constexpr WantedRows rows_wanted_for(const EncodingOptions& options) noexcept {
  return stores_files_as_found(options) ? WantedRows::kSeen : WantedRows::kAll;
}

// A function of its arguments alone; takes the file out of `image` where that is stored, and leaves the
// pixels. Thread-safe; throws ImportError where the picture cannot be stored.
[[nodiscard]] EncodedImage encode_image(ImportedImage& image, const EncodingOptions& options);
[[nodiscard]] inline EncodedImage encode_image(ImportedImage&& image, const EncodingOptions& options) {
  return encode_image(image, options);
}

}  // namespace ft
