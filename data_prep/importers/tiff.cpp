// TIFF, the first picture: strips and tiles, every compression that libtiff has.
#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>

#include "importers/orientation.h"
#include "importers/picture.h"
#include "importers/tiff_file.h"
#include "importers/tiff_layout.h"

namespace ft::importers {
namespace {

constexpr tmsize_t kMostBlockBytes = tmsize_t{1} << 30;

// A strip or a tile: the rectangle that one read yields.
struct Block {
  std::uint32_t left, top, width, height;
};

// Reads blocks and puts their rows into the picture, whether the samples lie side by side or in planes.
class BlockReader {
 public:
  BlockReader(const TiffFile& file, std::size_t file_bytes, const TiffLayout& layout, RgbImage& image)
      : file_(file), layout_(layout), image_(image), tiled_(TIFFIsTiled(file.handle()) != 0) {
    const tmsize_t bytes = tiled_ ? TIFFTileSize(file.handle()) : TIFFStripSize(file.handle());
    if (bytes <= 0 || bytes > kMostBlockBytes) file.fail("a strip or tile of impossible size");
    block_bytes_ = static_cast<std::size_t>(bytes);
    check_memory("TIFF", image.pixels().size() + block_bytes_ * static_cast<std::uint64_t>(layout.planes),
                 file_bytes);
    row_bytes_ =
        static_cast<std::size_t>(tiled_ ? TIFFTileRowSize(file.handle()) : TIFFScanlineSize(file.handle()));
    planes_.resize(static_cast<std::size_t>(layout.planes), std::vector<std::uint8_t>(block_bytes_));
  }

  void read_all() {
    const std::uint32_t width = tiled_ ? file_.long_tag(TIFFTAG_TILEWIDTH, 0) : layout_.width;
    const std::uint32_t height =
        tiled_ ? file_.long_tag(TIFFTAG_TILELENGTH, 0)
               : std::min(file_.long_tag(TIFFTAG_ROWSPERSTRIP, layout_.height), layout_.height);
    if (width == 0 || height == 0) file_.fail("strips or tiles without pixels");
    check_row_bytes(width, height);
    for (std::uint32_t top = 0; top < layout_.height; top += std::min(height, layout_.height - top)) {
      for (std::uint32_t left = 0; left < layout_.width; left += std::min(width, layout_.width - left)) {
        read({left, top, std::min(width, layout_.width - left), std::min(height, layout_.height - top)});
      }
    }
  }

 private:
  // What libtiff makes a row of must be what the pixel format takes, or rows would be read past their end.
  void check_row_bytes(std::size_t width, std::size_t height) const {
    const std::size_t expected = layout_.planes > 1 ? width * static_cast<std::size_t>(layout_.sample_bytes)
                                                    : layout_.rows.row_bytes(width);
    if (row_bytes_ < expected || row_bytes_ > block_bytes_ / height) {
      throw ImportError(fmt::format("broken TIFF: rows of {} bytes where {} are due", row_bytes_, expected));
    }
  }

  void read(const Block& block) {
    for (std::size_t plane = 0; plane < planes_.size(); ++plane) {
      const auto sample = static_cast<std::uint16_t>(plane);
      void* const to = planes_[plane].data();
      const tmsize_t got =
          tiled_ ? TIFFReadTile(file_.handle(), to, block.left, block.top, 0, sample)
                 : TIFFReadEncodedStrip(file_.handle(), TIFFComputeStrip(file_.handle(), block.top, sample),
                                        to, static_cast<tmsize_t>(block_bytes_));
      if (got < 0) file_.fail(fmt::format("unreadable {} at row {}", tiled_ ? "tile" : "strip", block.top));
    }
    for (std::uint32_t y = 0; y < block.height; ++y) put_row(block, y);
  }

  void put_row(const Block& block, std::uint32_t y) {
    const std::span<std::uint8_t> rgb =
        image_.row(static_cast<int>(block.top + y))
            .subspan(std::size_t{3} * block.left, std::size_t{3} * block.width);
    const std::size_t at = row_bytes_ * y;
    if (planes_.size() == 1) {
      layout_.rows.to_rgb(Bytes(planes_[0]).subspan(at, row_bytes_), rgb);
      return;
    }
    const auto bytes = static_cast<std::size_t>(layout_.sample_bytes);
    side_by_side_.resize(planes_.size() * bytes * block.width);
    auto to = side_by_side_.begin();
    for (std::size_t x = 0; x < block.width; ++x) {
      for (const auto& plane : planes_)
        to = std::copy_n(plane.begin() + static_cast<std::ptrdiff_t>(at + x * bytes), bytes, to);
    }
    layout_.rows.to_rgb(side_by_side_, rgb);
  }

  const TiffFile& file_;
  const TiffLayout& layout_;
  RgbImage& image_;
  bool tiled_;
  std::size_t block_bytes_ = 0, row_bytes_ = 0;
  std::vector<std::vector<std::uint8_t>> planes_;
  std::vector<std::uint8_t> side_by_side_;
};

// Subsampled colours: libtiff's own conversion, whole.
void read_through_rgba(const TiffFile& file, RgbImage& image) {
  std::array<char, 1024> reason{};
  TIFFRGBAImage reader{};
  if (TIFFRGBAImageOK(file.handle(), reason.data()) == 0 ||
      TIFFRGBAImageBegin(&reader, file.handle(), 0, reason.data()) == 0) {
    file.fail(reason.data());
  }
  const std::unique_ptr<TIFFRGBAImage, decltype(&TIFFRGBAImageEnd)> guard(&reader, &TIFFRGBAImageEnd);
  reader.orientation = ORIENTATION_TOPLEFT;
  reader.req_orientation = ORIENTATION_TOPLEFT;
  std::vector<std::uint32_t> raster(static_cast<std::size_t>(image.width()) *
                                    static_cast<std::size_t>(image.height()));
  if (TIFFRGBAImageGet(&reader, raster.data(), static_cast<std::uint32_t>(image.width()),
                       static_cast<std::uint32_t>(image.height())) == 0) {
    file.fail("unreadable YCbCr pixels");
  }
  std::uint8_t* to = image.pixels().data();
  for (const std::uint32_t pixel : raster) {
    *to++ = static_cast<std::uint8_t>(TIFFGetR(pixel));
    *to++ = static_cast<std::uint8_t>(TIFFGetG(pixel));
    *to++ = static_cast<std::uint8_t>(TIFFGetB(pixel));
  }
}

}  // namespace

Picture decode_tiff(Bytes bytes) {
  const TiffFile file(bytes);
  const TiffLayout layout = read_tiff_layout(file);
  // RGB, a turned copy of it or libtiff's own RGBA.
  const bool twice = layout.through_rgba || layout.orientation > 1;
  check_memory("TIFF", std::uint64_t{twice ? 7U : 3U} * layout.width * layout.height, bytes.size());
  Picture picture;
  picture.found = layout.mode;
  picture.pixels = black_image(static_cast<int>(layout.width), static_cast<int>(layout.height));
  if (layout.through_rgba) {
    read_through_rgba(file, picture.pixels);
  } else {
    BlockReader(file, bytes.size(), layout, picture.pixels).read_all();
  }
  // Of all containers, Pillow obeys the orientation of this one alone; so it is not left to be ignored.
  picture.pixels = turned(std::move(picture.pixels), layout.orientation);
  return picture;
}

}  // namespace ft::importers
