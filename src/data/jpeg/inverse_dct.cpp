#if defined(__x86_64__)

#include "inverse_dct.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <immintrin.h>

#define FT_AVX2 __attribute__((target("avx2")))

namespace ft::jpeg {
namespace {

constexpr int kConstantBits = 13;
constexpr int kFirstPassBits = 2;  // of fraction between the passes

constexpr int fixed(double value) {
  return static_cast<int>(value * (1 << kConstantBits) + 0.5);
}

// Pairs of products are what the machine sums, so the published butterflies are multiplied out.
struct Weights {
  int first, second;
};
constexpr int kA = fixed(0.541196100);
constexpr int kB = fixed(0.765366865);
constexpr int kC = fixed(1.847759065);
constexpr int kAll = fixed(1.175875602);
constexpr int kZ1 = -fixed(0.899976223);
constexpr int kZ2 = -fixed(2.562915447);
constexpr int kZ3 = kAll - fixed(1.961570560);
constexpr int kZ4 = kAll - fixed(0.390180644);

// Eight columns' sums of one output row.
FT_AVX2 inline __m256i weigh(__m256i pairs, Weights weights) {
  const int both = static_cast<int>((static_cast<unsigned>(weights.second) << 16U) |
                                    (static_cast<unsigned>(weights.first) & 0xFFFFU));
  return _mm256_madd_epi16(pairs, _mm256_set1_epi32(both));
}

// (a0 b0 a1 b1 ...) of two vectors of eight.
FT_AVX2 inline __m256i interleave(__m128i a, __m128i b) {
  return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_unpacklo_epi16(a, b)), _mm_unpackhi_epi16(a, b),
                                 1);
}

// One pass over eight columns at once: `in` holds the rows in pairs, `out` gets eight rows of 32-bit numbers,
// shifted down by `Shift` with rounding.
struct Pairs {
  __m256i of_0_4, of_2_6, of_7_5, of_3_1;
};

template <int Shift>
FT_AVX2 inline void pass(const Pairs& in, __m256i* out) {
  const __m256i half = _mm256_set1_epi32(1 << (Shift - 1));
  const __m256i even0 = _mm256_add_epi32(weigh(in.of_0_4, {1 << kConstantBits, 1 << kConstantBits}), half);
  const __m256i even1 = _mm256_add_epi32(weigh(in.of_0_4, {1 << kConstantBits, -(1 << kConstantBits)}), half);
  const __m256i even2 = weigh(in.of_2_6, {kA, kA - kC});
  const __m256i even3 = weigh(in.of_2_6, {kA + kB, kA});
  const __m256i base[4] = {_mm256_add_epi32(even0, even3), _mm256_add_epi32(even1, even2),
                           _mm256_sub_epi32(even1, even2), _mm256_sub_epi32(even0, even3)};
  const __m256i odd[4] = {_mm256_add_epi32(weigh(in.of_7_5, {kZ1 + kAll, kZ4}),
                                           weigh(in.of_3_1, {kAll, fixed(1.501321110) + kZ1 + kZ4})),
                          _mm256_add_epi32(weigh(in.of_7_5, {kZ3, kZ2 + kAll}),
                                           weigh(in.of_3_1, {fixed(3.072711026) + kZ2 + kZ3, kAll})),
                          _mm256_add_epi32(weigh(in.of_7_5, {kAll, fixed(2.053119869) + kZ2 + kZ4}),
                                           weigh(in.of_3_1, {kZ2 + kAll, kZ4})),
                          _mm256_add_epi32(weigh(in.of_7_5, {fixed(0.298631336) + kZ1 + kZ3, kAll}),
                                           weigh(in.of_3_1, {kZ3, kZ1 + kAll}))};
  for (int i = 0; i < 4; ++i) {
    out[i] = _mm256_srai_epi32(_mm256_add_epi32(base[i], odd[i]), Shift);
    out[7 - i] = _mm256_srai_epi32(_mm256_sub_epi32(base[i], odd[i]), Shift);
  }
}

// Eight rows of 32-bit numbers to eight columns of 16-bit ones: column j and column j + 4 in out[j].
FT_AVX2 inline void transpose(const __m256i* rows, __m256i* out) {
  const __m256i r01 = _mm256_packs_epi32(rows[0], rows[1]);
  const __m256i r23 = _mm256_packs_epi32(rows[2], rows[3]);
  const __m256i r45 = _mm256_packs_epi32(rows[4], rows[5]);
  const __m256i r67 = _mm256_packs_epi32(rows[6], rows[7]);
  const __m256i r02 = _mm256_unpacklo_epi16(r01, r23);
  const __m256i r13 = _mm256_unpackhi_epi16(r01, r23);
  const __m256i r46 = _mm256_unpacklo_epi16(r45, r67);
  const __m256i r57 = _mm256_unpackhi_epi16(r45, r67);
  const __m256i upper01 = _mm256_unpacklo_epi16(r02, r13);
  const __m256i upper23 = _mm256_unpackhi_epi16(r02, r13);
  const __m256i lower01 = _mm256_unpacklo_epi16(r46, r57);
  const __m256i lower23 = _mm256_unpackhi_epi16(r46, r57);
  out[0] = _mm256_unpacklo_epi64(upper01, lower01);
  out[1] = _mm256_unpackhi_epi64(upper01, lower01);
  out[2] = _mm256_unpacklo_epi64(upper23, lower23);
  out[3] = _mm256_unpackhi_epi64(upper23, lower23);
}

FT_AVX2 inline __m128i low(__m256i value) {
  return _mm256_castsi256_si128(value);
}

FT_AVX2 inline __m128i high(__m256i value) {
  return _mm256_extracti128_si256(value, 1);
}

FT_AVX2 inline void store_row(std::uint8_t* out, __m128i pixels, bool second) {
  const std::int64_t row = second ? _mm_extract_epi64(pixels, 1) : _mm_cvtsi128_si64(pixels);
  std::memcpy(out, &row, sizeof row);
}

}  // namespace

FT_AVX2 void inverse_dct(Block& block, std::uint8_t* out, std::size_t stride) {
  auto* const rows = reinterpret_cast<__m128i*>(block.coefficients.data());
  __m256i sums[8];
  pass<kConstantBits - kFirstPassBits>({interleave(rows[0], rows[4]), interleave(rows[2], rows[6]),
                                        interleave(rows[7], rows[5]), interleave(rows[3], rows[1])},
                                       sums);
  for (int row = 0; row < 8; ++row) rows[row] = _mm_setzero_si128();
  __m256i columns[4];
  transpose(sums, columns);
  pass<kConstantBits + kFirstPassBits + 3>(
      {interleave(low(columns[0]), high(columns[0])), interleave(low(columns[2]), high(columns[2])),
       interleave(high(columns[3]), high(columns[1])), interleave(low(columns[3]), low(columns[1]))},
      sums);
  transpose(sums, columns);
  const __m256i middle = _mm256_set1_epi8(-128);
  const __m256i rows_0145 = _mm256_xor_si256(_mm256_packs_epi16(columns[0], columns[1]), middle);
  const __m256i rows_2367 = _mm256_xor_si256(_mm256_packs_epi16(columns[2], columns[3]), middle);
  for (int half = 0; half < 2; ++half, out += 4 * stride) {
    const __m128i first = half == 0 ? low(rows_0145) : high(rows_0145);
    const __m128i second = half == 0 ? low(rows_2367) : high(rows_2367);
    store_row(out, first, false);
    store_row(out + stride, first, true);
    store_row(out + 2 * stride, second, false);
    store_row(out + 3 * stride, second, true);
  }
}

void inverse_dct_flat(Block& block, std::uint8_t* out, std::size_t stride) {
  constexpr int kShift = kFirstPassBits + 3;
  const int first = std::exchange(block.coefficients[0], std::int16_t{0});
  const int pixel = ((first << kFirstPassBits) + (1 << (kShift - 1))) >> kShift;
  const int value = std::clamp(pixel + 128, 0, 255);
  for (int y = 0; y < 8; ++y, out += stride) std::memset(out, value, 8);
}

}  // namespace ft::jpeg

#endif
