// What ft_pack says about a set, for people.
#pragma once

#include <string>
#include <vector>

#include "ft/data/manifest.h"

#include "pack_pipeline.h"

namespace ft {

// Classes with their counts and bytes, and the sum.
[[nodiscard]] std::string class_table(const Manifest& manifest,
                                      const std::vector<std::uint64_t>& class_bytes);

// "3 files skipped" with the reasons, each with its number and its first few paths. Empty without notes.
[[nodiscard]] std::string notes_text(const std::string& title, const std::vector<InputNote>& notes);

// "498 transcoded with restart markers: 22.8 MiB -> 21.0 MiB"
[[nodiscard]] std::string transcoded_text(const Transcoded& transcoded);

// Of a set packed with --encoding raw: "raw RGB, 431 resampled to at most 256 pixels a side".
[[nodiscard]] std::string raw_pixels_text(const Manifest& manifest);

// What stands over the list of the inputs that were no plain JPEGs.
[[nodiscard]] const char* converted_title(const Manifest& manifest);

// The closing words of `ft_pack pack`.
[[nodiscard]] std::string pack_report(const PackResult& result, const std::string& out, double seconds);

// "1 image", "2 images"; `ending` makes the plural.
[[nodiscard]] std::string count_of(std::uint64_t count, const std::string& thing, const char* ending = "s");

}  // namespace ft
