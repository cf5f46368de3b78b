// The two inner loops of a resize, once for each instruction set. All give the same bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "resample_table.h"

namespace ft {

struct ResizeKernels {
  const char* name;
  // Fills table.packed.
  void (*pack)(ResampleTable& table);
  // One row of RGB pixels. `in` is the table's origin; `readable` bytes from there on may be read, at least
  // the table's extent.
  void (*filter_row)(const std::uint8_t* in, std::size_t readable, const ResampleTable& table,
                     std::uint8_t* out);
  // `bytes` weighted sums of as many rows as there are weights (at least one), `stride` bytes apart.
  void (*blend_rows)(const std::uint8_t* in, std::size_t stride, std::span<const std::int32_t> weights,
                     std::size_t bytes, std::uint8_t* out);
};

// Those that this machine can run, the fastest first; the portable one is last and always there.
[[nodiscard]] std::span<const ResizeKernels* const> resize_kernels();

// Defined where the instruction set exists.
extern const ResizeKernels kPortableResize;
#if defined(__x86_64__)
extern const ResizeKernels kAvx2Resize;
extern const ResizeKernels kAvx512Resize;  // with VNNI
#endif

// What remains when vectors have done what they can: output `i` of a row, bytes [first, last) of a blend.
void filter_output(const std::uint8_t* in, const ResampleTable& table, int i, std::uint8_t* out) noexcept;
void blend_bytes(const std::uint8_t* in, std::size_t stride, std::span<const std::int32_t> weights,
                 std::size_t first, std::size_t last, std::uint8_t* out) noexcept;

}  // namespace ft
