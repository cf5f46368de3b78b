// The one tag of EXIF that matters here: pictures that ask to be shown mirrored or turned.
#pragma once

#include "importers/picture.h"

namespace ft::importers {

// `block` is a TIFF structure ("II*\0..." or "MM\0*..."), with or without "Exif\0\0" before it. True for
// orientations 2 to 8; anything unreadable is false, as photographs with broken EXIF are common and harmless.
[[nodiscard]] bool asks_for_orientation(Bytes block);

}  // namespace ft::importers
