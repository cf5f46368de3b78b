#include "importers/import_image.h"

#include <fmt/format.h>

#include "ft/base/error.h"

#include "importers/container.h"
#include "importers/lossless.h"
#include "importers/picture.h"

namespace ft {
namespace {

using importers::Container;

// What a thread keeps, at most, of each kind: a set has few pictures that are larger.
constexpr std::size_t kMostKept = std::size_t{32} << 20U;

importers::Picture decode(Container container, importers::Bytes file, ImportBuffers& buffers) {
  switch (container) {
    case Container::kJpeg:
      return importers::decode_jpeg(file, buffers);
    case Container::kPng:
      return importers::decode_png(file);
    case Container::kGif:
      return importers::decode_gif(file);
    case Container::kBmp:
      return importers::decode_bmp(file);
    case Container::kTiff:
      return importers::decode_tiff(file);
    case Container::kWebp:
      return importers::decode_webp(file);
  }
  throw ImportError("not an image");
}

}  // namespace

std::vector<std::byte> ImportBuffers::take_file(std::size_t bytes) {
  std::vector<std::byte> file = std::exchange(file_, {});
  file.resize(bytes);
  return file;
}

void ImportBuffers::keep(std::vector<std::byte> file) {
  if (file.capacity() <= kMostKept) file_ = std::move(file);
}

void ImportBuffers::keep(RgbImage pixels) {
  if (pixels.pixels().size() > kMostKept) return;
  pixels_ = std::move(pixels);
}

void require_known_container(std::span<const std::byte> head) {
  static_cast<void>(
      importers::tell_container({reinterpret_cast<const std::uint8_t*>(head.data()), head.size()}));
}

ImportedImage import_image(std::span<const std::byte> file) {
  ImportBuffers buffers;
  return import_image({file.begin(), file.end()}, buffers);
}

ImportedImage import_image(std::vector<std::byte> file, ImportBuffers& buffers) {
  const importers::Bytes bytes(reinterpret_cast<const std::uint8_t*>(file.data()), file.size());
  const Container container = importers::tell_container(bytes);
  importers::Picture picture = decode(container, bytes, buffers);
  if (!picture.keep_file) picture.size = {picture.pixels.width(), picture.pixels.height()};
  ImportedImage imported{.codec = Codec::kJpeg,
                         .file = {},
                         .size = picture.size,
                         .pixels = std::move(picture.pixels),
                         .converted = {},
                         .exif_oriented = picture.exif_oriented};
  if (picture.keep_file) {
    imported.file = std::move(file);
  } else {
    buffers.keep(std::move(file));
    imported.codec = importers::lossless_codec(imported.pixels);
    imported.converted = fmt::format("{} {} -> RGB", importers::name_of(container), picture.found);
  }
  return imported;
}

}  // namespace ft
