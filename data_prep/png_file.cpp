#include "png_file.h"

#include <fmt/format.h>
#include <png.h>

#include "ft/base/atomic_write.h"
#include "ft/base/error.h"

namespace ft {

std::vector<std::byte> encode_png(const RgbImage& image) {
  png_image header{};
  header.version = PNG_IMAGE_VERSION;
  header.width = static_cast<png_uint_32>(image.width());
  header.height = static_cast<png_uint_32>(image.height());
  header.format = PNG_FORMAT_RGB;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(header);
  std::vector<std::byte> bytes(size);
  if (png_image_write_to_memory(&header, bytes.data(), &size, 0, image.pixels().data(), 0, nullptr) == 0) {
    throw DataError(fmt::format("cannot write PNG: {}", header.message));
  }
  bytes.resize(size);
  return bytes;
}

void write_png(const std::filesystem::path& path, const RgbImage& image) {
  const std::vector<std::byte> bytes = encode_png(image);
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

}  // namespace ft
