// Mirroring and turning as the eight EXIF orientations ask for.
#pragma once

#include "importers/picture.h"

namespace ft::importers {

// The picture as it is to be shown; 1 and anything that is no orientation return it as it is.
[[nodiscard]] RgbImage turned(RgbImage image, int orientation);

}  // namespace ft::importers
