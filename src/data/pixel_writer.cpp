#include <algorithm>
#include <bit>

#include <fmt/format.h>

#include "ft/base/error.h"
#include "ft/data/transform.h"

#include "vector_pixels.h"

namespace ft {
namespace {

// Round to nearest even; a mean and a deviation that make infinities of pixels stay infinities.
std::uint16_t to_bfloat16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return static_cast<std::uint16_t>((bits + 0x7fffU + ((bits >> 16U) & 1U)) >> 16U);
}

// Where a value lies in an image of `side` x `side` pixels.
struct Places {
  Places(PixelLayout layout, int side_length)
      : side(static_cast<std::size_t>(side_length)),
        pixel_step(layout == PixelLayout::kNhwc ? 3 : 1),
        channel_step(layout == PixelLayout::kNhwc ? 1 : side * side) {}
  std::size_t side, pixel_step, channel_step;
};

// One row's picture pixels. `Step` is how far apart the pixels of a channel lie.
template <class Value, std::ptrdiff_t Step>
void write_pixels(const std::uint8_t* in, int width, Value* red, std::size_t channel_step,
                  const std::array<std::array<Value, 256>, 3>& table) {
  Value* green = red + channel_step;
  Value* blue = green + channel_step;
  for (int x = 0; x < width; ++x, in += 3, red += Step, green += Step, blue += Step) {
    *red = table[0][in[0]];
    *green = table[1][in[1]];
    *blue = table[2][in[2]];
  }
}

// Pixels [first, last) of a row that the picture does not cover.
template <class Value>
void write_zeros(int first, int last, Value* row, const Places& places,
                 const std::array<std::array<Value, 256>, 3>& table) {
  for (std::size_t channel = 0; channel < 3; ++channel) {
    for (int x = first; x < last; ++x) {
      row[channel * places.channel_step + static_cast<std::size_t>(x) * places.pixel_step] =
          table[channel][0];
    }
  }
}

// Whether the vectors make of every level what the table says.
template <class Value>
bool agree(const VectorPixels& vectors, const std::array<std::array<Value, 256>, 3>& table,
           const Places& places) {
  std::array<std::uint8_t, std::size_t{3} * VectorPixels::kGroup> in{};
  std::array<Value, in.size()> out{};
  for (std::size_t level = 0; level < 256; ++level) {
    in.fill(static_cast<std::uint8_t>(level));
    vectors.write(in.data(), VectorPixels::kGroup, false, out.data(), VectorPixels::kGroup);
    VectorPixels::finish();
    for (std::size_t i = 0; i < out.size(); ++i) {
      const std::size_t channel = places.pixel_step == 3 ? i % 3 : i / VectorPixels::kGroup;
      using Bits = std::array<std::byte, sizeof(Value)>;
      if (std::bit_cast<Bits>(out[i]) != std::bit_cast<Bits>(table[channel][level])) return false;
    }
  }
  return true;
}

}  // namespace

PixelWriter::PixelWriter(PixelFormat format, const std::array<double, 3>& mean,
                         const std::array<double, 3>& std)
    : format_(format) {
  for (std::size_t channel = 0; channel < 3; ++channel) {
    const auto channel_mean = static_cast<float>(mean[channel]);
    const auto channel_std = static_cast<float>(std[channel]);
    if (channel_std == 0.0F) {
      throw UsageError(fmt::format("data.std[{}] is 0 in float32", channel), "give the standard deviation");
    }
    for (std::size_t value = 0; value < 256; ++value) {
      const float normalised = (static_cast<float>(value) / 255.0F - channel_mean) / channel_std;
      floats_[channel][value] = normalised;
      bfloats_[channel][value] = to_bfloat16(normalised);
      levels_[channel][value] = static_cast<std::uint8_t>(value);
    }
  }
  if (!vector_pixels_available()) return;
  const auto vectors = std::make_shared<const VectorPixels>(format.layout, mean, std);
  const Places places(format.layout, VectorPixels::kGroup);
  const bool exact = format.type == PixelType::kUint8 ||
                     (format.type == PixelType::kFloat32 ? agree(*vectors, floats_, places)
                                                         : agree(*vectors, bfloats_, places));
  if (exact) vectors_ = vectors;
}

std::size_t PixelWriter::bytes_per_image(int side) const noexcept {
  return std::size_t{3} * static_cast<std::size_t>(side) * static_cast<std::size_t>(side) *
         bytes_per_value(format_.type);
}

template <class Value>
void PixelWriter::write_row(const std::uint8_t* in, int width, bool flip, Value* out, std::size_t side,
                            const std::array<std::array<Value, 256>, 3>& table) const {
  const Places places(format_.layout, static_cast<int>(side));
  if (vectors_ && width >= VectorPixels::kGroup) {
    return vectors_->write(in, width, flip, out, places.channel_step);
  }
  if (flip) out += static_cast<std::size_t>(width - 1) * places.pixel_step;
  if (places.pixel_step == 3) {
    flip ? write_pixels<Value, -3>(in, width, out, 1, table)
         : write_pixels<Value, 3>(in, width, out, 1, table);
  } else {
    const std::size_t step = places.channel_step;
    flip ? write_pixels<Value, -1>(in, width, out, step, table)
         : write_pixels<Value, 1>(in, width, out, step, table);
  }
}

template <class Value>
void PixelWriter::write_rows(const PixelPlan& plan, int first, int count, const std::uint8_t* rows,
                             Value* out, const std::array<std::array<Value, 256>, 3>& table) const {
  const Places places(format_.layout, plan.side);
  const Box& window = plan.resize.window;
  for (int y = first; y < first + count; ++y) {
    Value* row = out + static_cast<std::size_t>(y) * places.side * places.pixel_step;
    if (y < plan.top || y >= plan.top + window.height) {
      write_zeros(0, plan.side, row, places, table);
      continue;
    }
    write_row(rows, window.width, plan.flip, row + static_cast<std::size_t>(plan.left) * places.pixel_step,
              places.side, table);
    write_zeros(0, plan.left, row, places, table);
    write_zeros(plan.left + window.width, plan.side, row, places, table);
    rows += std::ptrdiff_t{3} * window.width;
  }
  if (vectors_) VectorPixels::finish();
}

void PixelWriter::write(const PixelPlan& plan, int first, int count, const std::uint8_t* rows,
                        std::span<std::byte> out) const {
  if (out.size() != bytes_per_image(plan.side)) {
    throw Error(ExitCode::kBug, fmt::format("a picture of {} x {} pixels does not fit a slot of {} bytes",
                                            plan.side, plan.side, out.size()));
  }
  switch (format_.type) {
    case PixelType::kFloat32:
      return write_rows(plan, first, count, rows, reinterpret_cast<float*>(out.data()), floats_);
    case PixelType::kBfloat16:
      return write_rows(plan, first, count, rows, reinterpret_cast<std::uint16_t*>(out.data()), bfloats_);
    case PixelType::kUint8:
      return write_rows(plan, first, count, rows, reinterpret_cast<std::uint8_t*>(out.data()), levels_);
  }
}

}  // namespace ft
