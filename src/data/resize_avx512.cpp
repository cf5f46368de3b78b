// AVX-512 with VNNI sums four products of an unsigned and a signed byte at once: a weight is cut into three
// signed digits, w = d0 + 256 d1 + 65536 d2, whose sums over any number of taps stay exact in 32 bits.
#if defined(__x86_64__)

#include <algorithm>
#include <array>
#include <cstring>

#include <immintrin.h>

#include "resize_kernels.h"

// GCC 12 warns of its own header's way to say "undefined".
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif

#define FT_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))

namespace ft {
namespace {

constexpr int kGroup = 4;  // taps of one instruction
constexpr std::size_t kGroupBytes = 64;
constexpr std::size_t kLoadBytes = 16;

std::array<std::int8_t, 3> digits_of(std::int32_t weight) {
  const auto d0 = static_cast<std::int8_t>(weight);
  const std::int32_t rest = (weight - d0) >> 8;
  const auto d1 = static_cast<std::int8_t>(rest);
  return {d0, d1, static_cast<std::int8_t>((rest - d1) >> 8)};
}

// A group: 16 bytes of each digit (4 taps for each of 3 channels, and 4 zeros), and 16 zeros.
void pack(ResampleTable& table) {
  const int groups = (*std::max_element(table.count.begin(), table.count.end()) + kGroup - 1) / kGroup;
  table.packed.assign(
      static_cast<std::size_t>(table.outputs()) * static_cast<std::size_t>(groups) * kGroupBytes, 0);
  std::int8_t* out = table.packed.data();
  for (int i = 0; i < table.outputs(); ++i) {
    const auto weights = table.weights_of(i);
    for (int tap = 0; tap < groups * kGroup; tap += kGroup, out += kGroupBytes) {
      for (int k = 0; k < kGroup && static_cast<std::size_t>(tap + k) < weights.size(); ++k) {
        const auto digits = digits_of(weights[static_cast<std::size_t>(tap + k)]);
        for (int digit = 0; digit < 3; ++digit) {
          for (int channel = 0; channel < 3; ++channel) {
            out[16 * digit + 4 * channel + k] = digits[static_cast<std::size_t>(digit)];
          }
        }
      }
    }
  }
}

// One output's sums: a lane for each digit, red, green, blue in it.
FT_AVX512 __m512i filter_one(const std::uint8_t* pixel, const std::int8_t* packed, int groups) {
  const __m512i planes =
      _mm512_broadcast_i32x4(_mm_setr_epi8(0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11, -1, -1, -1, -1));
  __m512i sums = _mm512_setzero_si512();
  for (int group = 0; group < groups; ++group, packed += kGroupBytes, pixel += 3 * kGroup) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(pixel));
    const __m512i taps = _mm512_shuffle_epi8(_mm512_broadcast_i32x4(bytes), planes);
    sums = _mm512_dpbusd_epi32(sums, taps, _mm512_loadu_si512(packed));
  }
  const __m512i shifts = _mm512_setr_epi32(0, 0, 0, 0, 8, 8, 8, 8, 16, 16, 16, 16, 0, 0, 0, 0);
  return _mm512_sllv_epi32(sums, shifts);
}

// Adds up the lanes of four outputs: a lane each.
FT_AVX512 __m512i add_lanes(__m512i a, __m512i b, __m512i c, __m512i d) {
  const __m512i ab = _mm512_add_epi32(_mm512_shuffle_i32x4(a, b, 0x44), _mm512_shuffle_i32x4(a, b, 0xEE));
  const __m512i cd = _mm512_add_epi32(_mm512_shuffle_i32x4(c, d, 0x44), _mm512_shuffle_i32x4(c, d, 0xEE));
  return _mm512_add_epi32(_mm512_shuffle_i32x4(ab, cd, 0x88), _mm512_shuffle_i32x4(ab, cd, 0xDD));
}

FT_AVX512 void filter_row(const std::uint8_t* in, std::size_t readable, const ResampleTable& table,
                          std::uint8_t* out) {
  constexpr int kBlock = 4;
  constexpr __mmask16 kBlockBytes = (1U << (3 * kBlock)) - 1;
  const int groups = static_cast<int>(table.packed.size() / kGroupBytes) / table.outputs();
  const std::size_t reach = static_cast<std::size_t>(groups - 1) * 3 * kGroup + kLoadBytes;
  const std::size_t output_bytes = static_cast<std::size_t>(groups) * kGroupBytes;
  const __m128i squeeze = _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1);
  const int* first = table.first.data();
  const std::int8_t* packed = table.packed.data();
  int i = 0;
  for (; i + kBlock <= table.outputs(); i += kBlock, out += 3 * kBlock, packed += kBlock * output_bytes) {
    if (3 * static_cast<std::size_t>(first[i + kBlock - 1]) + reach > readable) break;
    const auto one = [&](int k) FT_AVX512 {
      return filter_one(in + std::ptrdiff_t{3} * first[i + k],
                        packed + static_cast<std::size_t>(k) * output_bytes, groups);
    };
    const __m512i sums =
        _mm512_add_epi32(add_lanes(one(0), one(1), one(2), one(3)), _mm512_set1_epi32(kRoundingHalf));
    const __m128i four = _mm512_cvtusepi32_epi8(_mm512_srai_epi32(sums, kFractionBits));
    _mm_mask_storeu_epi8(out, kBlockBytes, _mm_shuffle_epi8(four, squeeze));
  }
  for (; i < table.outputs(); ++i, out += 3) filter_output(in, table, i, out);
}

FT_AVX512 __m512i four_times(const std::array<std::array<std::int8_t, 3>, 4>& weights, std::size_t digit) {
  std::array<std::int8_t, 4> bytes;
  for (std::size_t k = 0; k < 4; ++k) bytes[k] = weights[k][digit];
  std::int32_t word = 0;
  std::memcpy(&word, bytes.data(), sizeof word);
  return _mm512_set1_epi32(word);
}

// 64 bytes of the sums, as 32-bit numbers in the order in which packing puts them together, by digit.
struct Sums {
  __m512i of[4][3];
};

// Adds four rows' bytes.
FT_AVX512 void add_rows(__m512i a, __m512i b, __m512i c, __m512i d, const __m512i* weights, Sums& sums) {
  const __m512i ab_left = _mm512_unpacklo_epi8(a, b);
  const __m512i ab_right = _mm512_unpackhi_epi8(a, b);
  const __m512i cd_left = _mm512_unpacklo_epi8(c, d);
  const __m512i cd_right = _mm512_unpackhi_epi8(c, d);
  const __m512i quads[4] = {_mm512_unpacklo_epi16(ab_left, cd_left), _mm512_unpackhi_epi16(ab_left, cd_left),
                            _mm512_unpacklo_epi16(ab_right, cd_right),
                            _mm512_unpackhi_epi16(ab_right, cd_right)};
  for (int j = 0; j < 4; ++j) {
    for (int digit = 0; digit < 3; ++digit) {
      sums.of[j][digit] = _mm512_dpbusd_epi32(sums.of[j][digit], quads[j], weights[digit]);
    }
  }
}

FT_AVX512 __m512i round(const Sums& sums) {
  __m512i value[4];
  for (int j = 0; j < 4; ++j) {
    const __m512i high =
        _mm512_add_epi32(_mm512_slli_epi32(sums.of[j][1], 8), _mm512_slli_epi32(sums.of[j][2], 16));
    value[j] = _mm512_srai_epi32(_mm512_add_epi32(sums.of[j][0], high), kFractionBits);
  }
  return _mm512_packus_epi16(_mm512_packus_epi32(value[0], value[1]),
                             _mm512_packus_epi32(value[2], value[3]));
}

// The weights of up to four rows from `first` on; rows that are not there weigh nothing.
FT_AVX512 void weights_of_group(std::span<const std::int32_t> weights, std::size_t first, __m512i* out) {
  std::array<std::array<std::int8_t, 3>, 4> digits{};
  for (std::size_t k = 0; k < 4 && first + k < weights.size(); ++k) digits[k] = digits_of(weights[first + k]);
  for (std::size_t digit = 0; digit < 3; ++digit) out[digit] = four_times(digits, digit);
}

FT_AVX512 void blend_rows(const std::uint8_t* in, std::size_t stride, std::span<const std::int32_t> weights,
                          std::size_t bytes, std::uint8_t* out) {
  constexpr std::size_t kBlock = 64;
  constexpr std::size_t kMostGroups = 8;  // packed once a row up to here, again for each block beyond
  const std::size_t groups = (weights.size() + 3) / 4;
  __m512i packed[kMostGroups][3];
  for (std::size_t g = 0; g < std::min(groups, kMostGroups); ++g) weights_of_group(weights, 4 * g, packed[g]);
  for (std::size_t x = 0; x < bytes; x += kBlock) {
    const __mmask64 there = bytes - x >= kBlock ? ~__mmask64{0} : (__mmask64{1} << (bytes - x)) - 1;
    Sums sums;
    for (auto& quarter : sums.of) {
      quarter[0] = _mm512_set1_epi32(kRoundingHalf);
      quarter[1] = _mm512_setzero_si512();
      quarter[2] = _mm512_setzero_si512();
    }
    for (std::size_t g = 0; g < groups; ++g) {
      const auto row = [&](std::size_t k) FT_AVX512 {
        return _mm512_maskz_loadu_epi8(there, in + std::min(4 * g + k, weights.size() - 1) * stride + x);
      };
      __m512i own[3];
      if (g >= kMostGroups) weights_of_group(weights, 4 * g, own);
      add_rows(row(0), row(1), row(2), row(3), g < kMostGroups ? packed[g] : own, sums);
    }
    _mm512_mask_storeu_epi8(out + x, there, round(sums));
  }
}

}  // namespace

const ResizeKernels kAvx512Resize{"avx512", pack, filter_row, blend_rows};

}  // namespace ft

#endif
