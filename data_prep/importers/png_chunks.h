// The chunks of a PNG, walked as Pillow walks them: strict up to the image data (checksums count), lenient
// after it (a missing IEND is fine, a chunk cut short is not), compressed text limited in size throughout.
#pragma once

#include <optional>

#include "importers/byte_cursor.h"
#include "importers/picture.h"

namespace ft::importers {

struct PngHeader {
  std::uint32_t width = 0, height = 0;
  int depth = 0, colour_type = -1;
  bool interlaced = false;

  // In Pillow's words; nullptr where depth and colour type do not go together.
  [[nodiscard]] const char* mode() const;
};

// The part of the picture that the first frame covers.
struct PngExtents {
  std::uint64_t left, top, right, bottom;
};

class PngChunks {
 public:
  explicit PngChunks(Bytes file);

  // Reads up to the first byte of image data.
  void read_header();
  // The next piece of the zlib stream; empty where it ends.
  [[nodiscard]] Bytes next_image_data();
  // Reads what stands behind the image data: broken text there refuses the picture too.
  void read_trailer();

  [[nodiscard]] const PngHeader& header() const noexcept { return header_; }
  [[nodiscard]] const std::optional<PngExtents>& frame() const noexcept { return frame_; }
  [[nodiscard]] Bytes palette() const noexcept { return palette_; }
  [[nodiscard]] bool exif_oriented() const noexcept { return exif_oriented_; }

 private:
  struct Chunk {
    std::uint32_t id = 0;
    std::size_t length = 0;
  };

  [[nodiscard]] std::optional<Chunk> next_chunk();
  void begin_image_data(const Chunk& chunk);
  void apply(const Chunk& chunk, Bytes data);
  void read_image_header(Bytes data);
  void read_animation(Bytes data);
  void read_frame_control(Bytes data);
  void read_frame_number(std::uint32_t number);
  void read_text(Bytes data);
  void read_colour_profile(Bytes data);
  void read_compressed_text(Bytes data);
  void read_international_text(Bytes data);
  void count_text(std::size_t bytes);
  [[nodiscard]] bool animated() const;

  ByteCursor cursor_;
  PngHeader header_;
  std::optional<PngExtents> frame_;
  Bytes palette_;
  bool exif_oriented_ = false;

  std::size_t image_data_left_ = 0;
  bool chunk_pending_ = false;  // next_image_data ran into a chunk that read_trailer must see
  std::optional<std::uint32_t> frame_number_;
  std::optional<std::uint32_t> frame_count_;
  bool default_image_ = false;
  std::size_t text_bytes_ = 0;
};

}  // namespace ft::importers
