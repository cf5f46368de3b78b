// Telling containers by their first bytes.
#pragma once

#include <string>

#include "importers/picture.h"

namespace ft::importers {

enum class Container { kJpeg, kPng, kGif, kBmp, kTiff, kWebp };

[[nodiscard]] const char* name_of(Container container);

// Throws ImportError for everything else, with its name where it has a known one: "unsupported: PSD",
// "not an image: HTML".
[[nodiscard]] Container tell_container(Bytes file);

}  // namespace ft::importers
