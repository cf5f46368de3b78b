#include "resize_kernels.h"

#include <algorithm>
#include <array>
#include <vector>

namespace ft {
namespace {

std::uint8_t to_pixel(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> kFractionBits, 0, 255));
}

void pack_nothing(ResampleTable& /*table*/) {}

void filter_row(const std::uint8_t* in, std::size_t /*readable*/, const ResampleTable& table,
                std::uint8_t* out) {
  for (int i = 0; i < table.outputs(); ++i) filter_output(in, table, i, out + std::ptrdiff_t{3} * i);
}

void blend_rows(const std::uint8_t* in, std::size_t stride, std::span<const std::int32_t> weights,
                std::size_t bytes, std::uint8_t* out) {
  blend_bytes(in, stride, weights, 0, bytes, out);
}

std::vector<const ResizeKernels*> kernels_of_this_machine() {
  std::vector<const ResizeKernels*> kernels;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl")) {
    kernels.push_back(&kAvx512Resize);
  }
  if (__builtin_cpu_supports("avx2")) kernels.push_back(&kAvx2Resize);
#endif
  kernels.push_back(&kPortableResize);
  return kernels;
}

}  // namespace

const ResizeKernels kPortableResize{"portable", pack_nothing, filter_row, blend_rows};

std::span<const ResizeKernels* const> resize_kernels() {
  static const std::vector<const ResizeKernels*> kernels = kernels_of_this_machine();
  return kernels;
}

void filter_output(const std::uint8_t* in, const ResampleTable& table, int i, std::uint8_t* out) noexcept {
  const auto index = static_cast<std::size_t>(i);
  const std::uint8_t* pixel = in + std::ptrdiff_t{3} * table.first[index];
  const auto weights = table.weights_of(i).first(static_cast<std::size_t>(table.count[index]));
  std::int32_t red = kRoundingHalf;
  std::int32_t green = kRoundingHalf;
  std::int32_t blue = kRoundingHalf;
  for (const std::int32_t weight : weights) {
    red += pixel[0] * weight;
    green += pixel[1] * weight;
    blue += pixel[2] * weight;
    pixel += 3;
  }
  out[0] = to_pixel(red);
  out[1] = to_pixel(green);
  out[2] = to_pixel(blue);
}

void blend_bytes(const std::uint8_t* in, std::size_t stride, std::span<const std::int32_t> weights,
                 std::size_t first, std::size_t last, std::uint8_t* out) noexcept {
  constexpr std::size_t kChunk = 64;
  std::array<std::int32_t, kChunk> sums;
  for (std::size_t begin = first; begin < last; begin += kChunk) {
    const std::size_t count = std::min(kChunk, last - begin);
    sums.fill(kRoundingHalf);
    const std::uint8_t* row = in + begin;
    for (const std::int32_t weight : weights) {
      for (std::size_t x = 0; x < count; ++x) sums[x] += row[x] * weight;
      row += stride;
    }
    for (std::size_t x = 0; x < count; ++x) out[begin + x] = to_pixel(sums[x]);
  }
}

}  // namespace ft
