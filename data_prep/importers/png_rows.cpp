#include "importers/png_rows.h"

#include <cstdlib>
#include <vector>

#include <fmt/format.h>
#include <zlib.h>

namespace ft::importers {
namespace {

// One of Adam7's seven passes, or the only pass of a picture that is not interlaced.
struct Pass {
  int left, top, column_step, row_step;
};
constexpr Pass kAdam7[] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                           {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};
constexpr Pass kWhole[] = {{0, 0, 1, 1}};

// The zlib stream that is spread over the image data chunks.
class Inflater {
 public:
  enum class Fill { kFull, kFullAndEnd };

  explicit Inflater(PngChunks& chunks) : chunks_(chunks) {
    if (inflateInit(&stream_) != Z_OK) throw std::bad_alloc();
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() { inflateEnd(&stream_); }

  // Fills all of `out`, or throws.
  Fill fill(std::span<std::uint8_t> out, int row) {
    stream_.next_out = out.data();
    stream_.avail_out = static_cast<uInt>(out.size());
    while (true) {
      if (stream_.avail_in == 0) refill(row);
      const int status = inflate(&stream_, Z_NO_FLUSH);
      // Z_BUF_ERROR is no progress for want of input, which the next chunk may bring.
      // Z_NEED_DICT, which no PNG may ask for, would be met again for ever.
      if ((status < 0 && status != Z_BUF_ERROR) || status == Z_NEED_DICT) {
        throw ImportError(fmt::format("broken PNG: image data in row {}: {}", row,
                                      stream_.msg != nullptr ? stream_.msg : "damaged stream"));
      }
      if (stream_.avail_out == 0) return status == Z_STREAM_END ? Fill::kFullAndEnd : Fill::kFull;
      if (status == Z_STREAM_END) stream_.avail_in = 0;
    }
  }

 private:
  void refill(int row) {
    const Bytes piece = chunks_.next_image_data();
    if (piece.empty()) throw ImportError(fmt::format("truncated PNG: image data ends in row {}", row));
    stream_.next_in = const_cast<Bytef*>(piece.data());  // zlib does not write to its input
    stream_.avail_in = static_cast<uInt>(piece.size());
  }

  PngChunks& chunks_;
  z_stream stream_{};
};

std::uint8_t paeth(int left, int above, int above_left) {
  const int from_left = std::abs(above - above_left);
  const int from_above = std::abs(left - above_left);
  const int from_corner = std::abs(left + above - 2 * above_left);
  if (from_left <= from_above && from_left <= from_corner) return static_cast<std::uint8_t>(left);
  return static_cast<std::uint8_t>(from_above <= from_corner ? above : above_left);
}

// Undoes a row's filter in place. Left of the first pixel everything is 0.
void unfilter(int filter, std::span<std::uint8_t> row, Bytes above, std::size_t pixel_bytes) {
  for (std::size_t i = 0; i < row.size(); ++i) {
    const bool first = i < pixel_bytes;
    const int left = first ? 0 : row[i - pixel_bytes];
    const int up = above[i];
    int prediction = 0;
    switch (filter) {
      case 0:
        return;
      case 1:
        prediction = left;
        break;
      case 2:
        prediction = up;
        break;
      case 3:
        prediction = (left + up) / 2;
        break;
      case 4:
        prediction = paeth(left, up, first ? 0 : above[i - pixel_bytes]);
        break;
      default:
        throw ImportError(fmt::format("broken PNG: unknown filter {}", filter));
    }
    row[i] = static_cast<std::uint8_t>(row[i] + prediction);
  }
}

int steps(int length, int start, int step) {
  return length <= start ? 0 : (length - start + step - 1) / step;
}

void scatter(std::span<const std::uint8_t> pixels, const Pass& pass, int left, std::span<std::uint8_t> row) {
  std::size_t to = 3 * static_cast<std::size_t>(left + pass.left);
  for (std::size_t from = 0; from < pixels.size();
       from += 3, to += 3 * static_cast<std::size_t>(pass.column_step)) {
    std::copy_n(&pixels[from], 3, &row[to]);
  }
}

}  // namespace

void read_png_rows(PngChunks& chunks, const RowFormat& format, RgbImage& image) {
  const bool interlaced = chunks.header().interlaced;
  const PngExtents frame =
      chunks.frame().value_or(PngExtents{0, 0, chunks.header().width, chunks.header().height});
  if (frame.left >= frame.right || frame.top >= frame.bottom) throw ImportError("broken PNG: an empty frame");
  const int width = static_cast<int>(frame.right - frame.left);
  const int height = static_cast<int>(frame.bottom - frame.top);
  // Pillow's rule: an interlaced first frame goes to the corner, wherever it says it belongs.
  const int left = interlaced ? 0 : static_cast<int>(frame.left);
  const int top = interlaced ? 0 : static_cast<int>(frame.top);

  Inflater inflater(chunks);
  const std::size_t most_bytes = format.row_bytes(static_cast<std::size_t>(width));
  const std::size_t pixel_bytes = static_cast<std::size_t>(format.bits_per_pixel + 7) / 8;
  std::vector<std::uint8_t> line(1 + most_bytes);
  std::vector<std::uint8_t> above(1 + most_bytes);
  std::vector<std::uint8_t> rgb(3 * static_cast<std::size_t>(width));
  for (const Pass& pass : interlaced ? std::span<const Pass>(kAdam7) : std::span<const Pass>(kWhole)) {
    const auto columns = static_cast<std::size_t>(steps(width, pass.left, pass.column_step));
    if (columns == 0) continue;
    const std::size_t bytes = format.row_bytes(columns);
    std::ranges::fill(above, std::uint8_t{0});
    for (int y = pass.top; y < height; y += pass.row_step) {
      const std::span<std::uint8_t> filtered(line.data(), 1 + bytes);
      const Inflater::Fill fill = inflater.fill(filtered, y);
      unfilter(filtered[0], filtered.subspan(1), Bytes(above).subspan(1), pixel_bytes);
      const std::span<std::uint8_t> pixels(rgb.data(), 3 * columns);
      format.to_rgb(filtered.subspan(1), pixels);
      scatter(pixels, pass, left, image.row(top + y));
      if (fill == Inflater::Fill::kFullAndEnd) return;
      line.swap(above);
    }
  }
}

}  // namespace ft::importers
