// From a picture file of any supported container to pixels, and how a shard would store them.
#pragma once

#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "ft/data/codec.h"
#include "ft/data/image.h"

namespace ft {

struct ImportedImage {
  Codec codec;                  // what keeps it without loss: the file for kJpeg, else the pixels
  std::vector<std::byte> file;  // as found; empty unless the codec is kJpeg
  RgbImage pixels;              // what training sees
  std::string converted;        // empty: can be stored as found; else what became of it, e.g. "PNG P -> RGB"
  bool exif_oriented;           // asks to be shown mirrored or turned, which training ignores
};

// What a thread keeps from one picture to the next: new memory costs more time than what is done with it.
class ImportBuffers {
 public:
  // Memory for a file that is read. Its contents are unspecified.
  [[nodiscard]] std::span<std::byte> file(std::size_t bytes);
  // An image whose memory can be used again; keep() takes it back.
  [[nodiscard]] RgbImage take_pixels() noexcept { return std::exchange(pixels_, {}); }
  void keep(RgbImage pixels);
  [[nodiscard]] Decoder& decoder() noexcept { return decoder_; }

 private:
  std::vector<std::byte> file_;
  RgbImage pixels_;
  Decoder decoder_;
};

// Why a file is not imported, in one line: "unsupported: PSD", "truncated JPEG: ...", "not an image: HTML".
class ImportError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Tells the container by content and decodes the first picture in full: the RGB pixels are those of Pillow
// 13.0.0's Image.open(f).convert("RGB"); a plain 8-bit grey or RGB JPEG comes with its file. What Pillow
// refuses, or fails to load, is an ImportError. Thread-safe.
[[nodiscard]] ImportedImage import_image(std::span<const std::byte> file, ImportBuffers& buffers);
[[nodiscard]] ImportedImage import_image(std::span<const std::byte> file);

// The ImportError of import_image for a file that begins with `head` and is in no container that it reads.
void require_known_container(std::span<const std::byte> head);

}  // namespace ft
