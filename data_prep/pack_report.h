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

// The closing words of `ft_pack pack`.
[[nodiscard]] std::string pack_report(const PackResult& result, const std::string& out, double seconds);

// "1 image", "2 images"; `ending` makes the plural.
[[nodiscard]] std::string count_of(std::uint64_t count, const std::string& thing, const char* ending = "s");

}  // namespace ft
