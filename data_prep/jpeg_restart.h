// Restart markers for JPEGs, without loss: a decoder that needs a part of the picture can start at any of
// them, where it would otherwise have to read all Huffman codes from the top.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace ft {

struct RestartJpeg {
  std::vector<std::byte> file;
  // Where in `file` the entropy-coded data of each restart interval begins, in order: the first right behind
  // the scan header, interval i right behind marker RST((i - 1) mod 8).
  std::vector<std::uint32_t> restart_offset;
};

// The same coefficients and quantisation tables under optimised Huffman codes, cut into as many intervals of
// equal length a row of MCUs as is worth it; an interval never goes over the end of a row. Markers that do
// not decide pixels (EXIF, comments) are dropped. Nothing where the file should stay as it is: a progressive,
// grey, damaged or otherwise odd one, or one that would grow by more than 2%, its offsets counted in.
// Thread-safe.
[[nodiscard]] std::optional<RestartJpeg> add_restart_markers(std::span<const std::byte> file);

}  // namespace ft
