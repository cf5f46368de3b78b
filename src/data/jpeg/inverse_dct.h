// libjpeg's accurate integer inverse DCT (jidctint.c's algorithm: Loeffler, Ligtenberg and Moschytz, 1989,
// with 13-bit constants), to the bit as its vector versions compute it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "huffman.h"

namespace ft::jpeg {

// Above this sum of absolute coefficients 16 bits could overflow between the two passes (which scale by 4,
// and a coefficient by up to sqrt(2) cos(pi / 16) = 1.387), and libjpeg must decide what then happens. A
// picture of 8-bit pixels can have more (8 x 8 x 128 by Cauchy and Schwarz), but hardly does.
inline constexpr int kMostMagnitude = 5900;

// Writes the 8 x 8 pixels of a block, and clears it for the next one.
void inverse_dct(Block& block, std::uint8_t* out, std::size_t stride);
// The same where all but the first coefficient are 0.
void inverse_dct_flat(Block& block, std::uint8_t* out, std::size_t stride);

}  // namespace ft::jpeg
