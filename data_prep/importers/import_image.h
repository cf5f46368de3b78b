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
  Size size;
  RgbImage pixels;        // what training sees; of a JPEG perhaps only some rows (WantedRows)
  std::string converted;  // empty: can be stored as found; else what became of it, e.g. "PNG P -> RGB"
  bool exif_oriented;     // asks to be shown mirrored or turned, which training ignores
};

// The rows that are wanted as RGB of a picture whose file can be stored as found. All of it is decoded, and
// every fault found, either way.
enum class WantedRows {
  kAll,
  kSeen,  // which the look at the picture takes: rows_seen()
};

// What a thread wants of its pictures, and what it keeps from one to the next: new memory costs more time
// than what is done with it.
class ImportBuffers {
 public:
  explicit ImportBuffers(WantedRows wanted = WantedRows::kAll) : wanted_(wanted) {}

  [[nodiscard]] WantedRows wanted() const noexcept { return wanted_; }
  // Memory for a file, of unspecified contents, and for an image; keep() takes both back.
  [[nodiscard]] std::vector<std::byte> take_file(std::size_t bytes);
  [[nodiscard]] RgbImage take_pixels() noexcept { return std::exchange(pixels_, {}); }
  void keep(std::vector<std::byte> file);
  void keep(RgbImage pixels);
  [[nodiscard]] Decoder& decoder() noexcept { return decoder_; }

 private:
  WantedRows wanted_;
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
[[nodiscard]] ImportedImage import_image(std::vector<std::byte> file, ImportBuffers& buffers);
[[nodiscard]] ImportedImage import_image(std::span<const std::byte> file);

// The ImportError of import_image for a file that begins with `head` and is in no container that it reads.
void require_known_container(std::span<const std::byte> head);

}  // namespace ft
