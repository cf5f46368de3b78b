#include "importers/png_chunks.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <memory>
#include <string_view>

#include <fmt/format.h>
#include <zlib.h>

#include "importers/exif.h"

namespace ft::importers {
namespace {

constexpr std::size_t kSignatureBytes = 8;
constexpr std::size_t kMaxTextChunk = 1U << 20U;  // Pillow's limits, see its documentation on PNG text
constexpr std::size_t kMaxTextTotal = 64 * kMaxTextChunk;
constexpr std::size_t kPieceBytes = 1U << 16U;

constexpr std::uint32_t id(const char (&name)[5]) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8U | static_cast<unsigned char>(name[i]);
  return value;
}

std::string name_of(std::uint32_t chunk_id) {
  std::string name;
  for (const unsigned shift : {24U, 16U, 8U, 0U}) name += static_cast<char>(chunk_id >> shift & 255U);
  return name;
}

[[noreturn]] void throw_broken(const std::string& what) {
  throw ImportError(fmt::format("broken PNG: {}", what));
}

void need(std::uint32_t chunk_id, Bytes data, std::size_t bytes) {
  if (data.size() < bytes) {
    throw_broken(fmt::format("{} chunk of {} bytes, {} are needed", name_of(chunk_id), data.size(), bytes));
  }
}

// Where the first zero byte stands, if any.
std::optional<std::size_t> find_zero(Bytes data) {
  const auto at = std::ranges::find(data, std::uint8_t{0});
  if (at == data.end()) return std::nullopt;
  return static_cast<std::size_t>(at - data.begin());
}

// The size that compressed text has when unpacked; a damaged stream counts as empty, as metadata cannot hurt.
std::size_t unpacked_text_size(std::uint32_t chunk_id, Bytes packed) {
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) throw std::bad_alloc();
  const std::unique_ptr<z_stream, decltype(&inflateEnd)> guard(&stream, inflateEnd);
  std::vector<std::uint8_t> text(kMaxTextChunk);
  stream.next_in = const_cast<Bytef*>(packed.data());  // zlib does not write to its input
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = text.data();
  stream.avail_out = static_cast<uInt>(text.size());
  const int status = inflate(&stream, Z_SYNC_FLUSH);
  if (status != Z_STREAM_END && stream.avail_out == 0 && stream.avail_in > 0) {
    throw_broken(fmt::format("{} chunk unpacks to more than {} bytes", name_of(chunk_id), kMaxTextChunk));
  }
  return status == Z_OK || status == Z_STREAM_END ? stream.total_out : 0;
}

}  // namespace

const char* PngHeader::mode() const {
  switch (colour_type * 100 + depth) {
    case 1:
      return "1";
    case 2:
    case 4:
    case 8:
      return "L";
    case 16:
      return "I;16";
    case 208:
    case 216:
      return "RGB";
    case 301:
    case 302:
    case 304:
    case 308:
      return "P";
    case 408:
      return "LA";
    case 416:
    case 608:
    case 616:
      return "RGBA";
    default:
      return nullptr;
  }
}

PngChunks::PngChunks(Bytes file) : cursor_(file, "PNG") {
  cursor_.seek(kSignatureBytes);
}

std::optional<PngChunks::Chunk> PngChunks::next_chunk() {
  const Bytes head = cursor_.take_up_to(8);
  if (head.size() < 8) return std::nullopt;
  if (!std::ranges::all_of(head.subspan(4), [](int c) { return std::isalnum(c) != 0 || c == '_'; })) {
    return std::nullopt;
  }
  return Chunk{.id = load_be32(head, 4), .length = load_be32(head)};
}

void PngChunks::read_header() {
  while (true) {
    const std::size_t at = cursor_.position();
    const std::optional<Chunk> chunk = next_chunk();
    if (!chunk) throw_broken(fmt::format("no chunk at byte {}, before the image data", at));
    if (chunk->id == id("IEND")) throw_broken("no image data");
    if (chunk->id == id("IDAT") || chunk->id == id("fdAT")) {
      begin_image_data(*chunk);
      break;
    }
    const Bytes data = cursor_.take(chunk->length);
    apply(*chunk, data);
    const std::array<std::uint8_t, 4> name{
        static_cast<std::uint8_t>(chunk->id >> 24U), static_cast<std::uint8_t>(chunk->id >> 16U),
        static_cast<std::uint8_t>(chunk->id >> 8U), static_cast<std::uint8_t>(chunk->id)};
    const uLong checksum = crc32_z(crc32_z(0, name.data(), name.size()), data.data(), data.size());
    if (load_be32(cursor_.take(4)) != checksum) {
      throw_broken(fmt::format("wrong checksum of the {} chunk at byte {}", name_of(chunk->id), at));
    }
  }
  if (header_.colour_type < 0) throw_broken("no IHDR chunk before the image data");
  if (header_.mode() == nullptr) {
    throw_broken(fmt::format("depth {} with colour type {}", header_.depth, header_.colour_type));
  }
}

void PngChunks::begin_image_data(const Chunk& chunk) {
  image_data_left_ = chunk.length;
  if (chunk.id == id("fdAT")) {
    if (chunk.length < 4) throw_broken("fdAT chunk without its number");
    read_frame_number(load_be32(cursor_.take(4)));
    image_data_left_ -= 4;
  }
  default_image_ = !frame_ && frame_count_;
}

Bytes PngChunks::next_image_data() {
  while (image_data_left_ == 0) {
    cursor_.skip(4);  // the checksum of image data is not looked at: zlib has its own
    const std::size_t at = cursor_.position();
    const std::optional<Chunk> chunk = next_chunk();
    if (!chunk || (chunk->id != id("IDAT") && chunk->id != id("DDAT") && chunk->id != id("fdAT"))) {
      cursor_.seek(at);
      chunk_pending_ = true;
      return {};
    }
    begin_image_data(*chunk);
  }
  const Bytes piece = cursor_.take_up_to(std::min(image_data_left_, kPieceBytes));
  image_data_left_ -= piece.size();
  return piece;
}

void PngChunks::read_trailer() {
  cursor_.skip(image_data_left_);
  for (bool first = true;; first = false) {
    if (!first || !chunk_pending_) cursor_.skip(4);
    const std::optional<Chunk> chunk = next_chunk();
    if (!chunk || chunk->id == id("IEND") || (chunk->id == id("fcTL") && animated())) return;
    const Bytes data = cursor_.take(chunk->length);
    if (chunk->id == id("fdAT")) {
      need(chunk->id, data, 4);
      read_frame_number(load_be32(data));
    } else {
      apply(*chunk, data);
    }
  }
}

bool PngChunks::animated() const {
  return frame_count_ && std::uint64_t{*frame_count_} + (default_image_ ? 1 : 0) > 1;
}

void PngChunks::apply(const Chunk& chunk, Bytes data) {
  switch (chunk.id) {
    case id("IHDR"):
      return read_image_header(data);
    case id("PLTE"):
      if (header_.colour_type == 3) palette_ = data;
      return;
    case id("tRNS"):
      if (header_.colour_type == 0) need(chunk.id, data, 2);
      if (header_.colour_type == 2) need(chunk.id, data, 6);
      return;
    case id("gAMA"):
      return need(chunk.id, data, 4);
    case id("cHRM"):
      return need(chunk.id, data, 32);
    case id("sRGB"):
      return need(chunk.id, data, 1);
    case id("pHYs"):
      return need(chunk.id, data, 9);
    case id("eXIf"):
      exif_oriented_ = asks_for_orientation(data);
      return;
    case id("tEXt"):
      return read_text(data);
    case id("zTXt"):
      return read_compressed_text(data);
    case id("iCCP"):
      return read_colour_profile(data);
    case id("iTXt"):
      return read_international_text(data);
    case id("acTL"):
      return read_animation(data);
    case id("fcTL"):
      return read_frame_control(data);
    default:
      return;
  }
}

void PngChunks::read_image_header(Bytes data) {
  need(id("IHDR"), data, 13);
  header_ = {.width = load_be32(data),
             .height = load_be32(data, 4),
             .depth = data[8],
             .colour_type = data[9],
             .interlaced = data[12] != 0};
  if (data[11] != 0) throw_broken(fmt::format("unknown filter method {}", data[11]));
  check_declared_size("PNG", header_.width, header_.height);
}

void PngChunks::read_animation(Bytes data) {
  need(id("acTL"), data, 8);
  const std::uint32_t frames = load_be32(data);
  if (frame_count_) {
    frame_count_.reset();
  } else if (frames > 0 && frames <= 0x80000000U) {
    frame_count_ = frames;
  }
}

void PngChunks::read_frame_control(Bytes data) {
  need(id("fcTL"), data, 26);
  const std::uint32_t number = load_be32(data);
  if (!frame_number_ && number != 0) throw_broken("the first frame is not number 0");
  if (frame_number_) {
    read_frame_number(number);
  } else {
    frame_number_ = number;
  }
  const std::uint64_t left = load_be32(data, 12);
  const std::uint64_t top = load_be32(data, 16);
  frame_ = PngExtents{left, top, left + load_be32(data, 4), top + load_be32(data, 8)};
  if (frame_->right > header_.width || frame_->bottom > header_.height) {
    throw_broken("a frame reaches beyond the picture");
  }
}

void PngChunks::read_frame_number(std::uint32_t number) {
  if (!frame_number_ || std::uint64_t{*frame_number_} + 1 != number) {
    throw_broken(fmt::format("frame number {} is out of order", number));
  }
  frame_number_ = number;
}

void PngChunks::read_text(Bytes data) {
  const std::optional<std::size_t> end_of_key = find_zero(data);
  if (end_of_key) count_text(data.size() - *end_of_key - 1);
}

void PngChunks::read_colour_profile(Bytes data) {
  // Name, zero, method, stream. The profile is not used, but one that is a bomb or nonsense refuses the file.
  const Bytes value = data.subspan(find_zero(data).value_or(0));
  need(id("iCCP"), value, 2);
  if (value[1] != 0) throw_broken(fmt::format("unknown profile compression {}", value[1]));
  static_cast<void>(unpacked_text_size(id("iCCP"), value.subspan(2)));
}

void PngChunks::read_compressed_text(Bytes data) {
  // Key, zero, method, stream.
  const std::optional<std::size_t> end_of_key = find_zero(data);
  if (!end_of_key || *end_of_key + 1 == data.size()) return;
  const Bytes value = data.subspan(*end_of_key + 1);
  if (value[0] != 0) throw_broken(fmt::format("unknown text compression {}", value[0]));
  count_text(unpacked_text_size(id("zTXt"), value.subspan(1)));
}

void PngChunks::read_international_text(Bytes data) {
  // Key, zero, compressed?, method, language, zero, translated key, zero, text.
  const std::optional<std::size_t> end_of_key = find_zero(data);
  if (!end_of_key || data.size() < *end_of_key + 3) return;
  const bool compressed = data[*end_of_key + 1] != 0;
  const int method = data[*end_of_key + 2];
  Bytes rest = data.subspan(*end_of_key + 3);
  for (int skipped = 0; skipped < 2; ++skipped) {
    const std::optional<std::size_t> end = find_zero(rest);
    if (!end) return;
    rest = rest.subspan(*end + 1);
  }
  if (compressed && method != 0) return;
  count_text(compressed ? unpacked_text_size(id("iTXt"), rest) : rest.size());
}

void PngChunks::count_text(std::size_t bytes) {
  text_bytes_ += bytes;
  if (text_bytes_ > kMaxTextTotal) throw_broken(fmt::format("more than {} bytes of text", kMaxTextTotal));
}

}  // namespace ft::importers
