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
constexpr int kBlock = 4;  // outputs of a row that are made at once, a lane each
constexpr std::size_t kLaneBytes = 16;
constexpr std::size_t kDigitBytes = kBlock * kLaneBytes;
constexpr std::size_t kGroupBytes = 3 * kDigitBytes;

std::array<std::int8_t, 3> digits_of(std::int32_t weight) {
  const auto d0 = static_cast<std::int8_t>(weight);
  const std::int32_t rest = (weight - d0) >> 8;
  const auto d1 = static_cast<std::int8_t>(rest);
  return {d0, d1, static_cast<std::int8_t>((rest - d1) >> 8)};
}

// The digits of up to four taps of one output: 4 bytes for each of 3 channels in its lane of each digit.
void pack_group(std::span<const std::int32_t> weights, std::int8_t* lane) {
  for (std::size_t k = 0; k < weights.size(); ++k) {
    const auto digits = digits_of(weights[k]);
    for (std::size_t digit = 0; digit < digits.size(); ++digit) {
      for (std::size_t channel = 0; channel < 3; ++channel) {
        lane[kDigitBytes * digit + 4 * channel + k] = digits[digit];
      }
    }
  }
}

// By block of outputs, group of taps, digit, output.
void pack(ResampleTable& table) {
  const int most_taps = *std::max_element(table.count.begin(), table.count.end());
  const auto groups = static_cast<std::size_t>((most_taps + kGroup - 1) / kGroup);
  const int whole_blocks = table.outputs() / kBlock;
  table.packed.assign(static_cast<std::size_t>(whole_blocks) * groups * kGroupBytes, 0);
  for (int i = 0; i < whole_blocks * kBlock; ++i) {
    std::int8_t* block = table.packed.data() + static_cast<std::size_t>(i / kBlock) * groups * kGroupBytes;
    std::int8_t* lane = block + static_cast<std::size_t>(i % kBlock) * kLaneBytes;
    auto weights =
        table.weights_of(i).first(static_cast<std::size_t>(table.count[static_cast<std::size_t>(i)]));
    while (!weights.empty()) {
      const std::size_t taps = std::min<std::size_t>(kGroup, weights.size());
      pack_group(weights.first(taps), lane);
      weights = weights.subspan(taps);
      lane += kGroupBytes;
    }
  }
}

FT_AVX512 __m128i load_lane(const std::uint8_t* from) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}

// The pixels from `at` bytes behind each output's first one, a lane each.
FT_AVX512 __m512i load_block(const std::uint8_t* in, const int* first, std::ptrdiff_t at) {
  const std::uint8_t* origin = in + at;
  __m512i lanes = _mm512_castsi128_si512(load_lane(origin + std::ptrdiff_t{3} * first[0]));
  lanes = _mm512_inserti32x4(lanes, load_lane(origin + std::ptrdiff_t{3} * first[1]), 1);
  lanes = _mm512_inserti32x4(lanes, load_lane(origin + std::ptrdiff_t{3} * first[2]), 2);
  return _mm512_inserti32x4(lanes, load_lane(origin + std::ptrdiff_t{3} * first[3]), 3);
}

FT_AVX512 __m512i join(__m512i d0, __m512i d1, __m512i d2) {
  return _mm512_add_epi32(d0, _mm512_add_epi32(_mm512_slli_epi32(d1, 8), _mm512_slli_epi32(d2, 16)));
}

// Four outputs: red, green, blue and a byte of nothing each.
FT_AVX512 __m128i filter_block(const std::uint8_t* in, const int* first, const std::int8_t* packed,
                               int groups) {
  const __m512i planes =
      _mm512_broadcast_i32x4(_mm_setr_epi8(0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11, -1, -1, -1, -1));
  __m512i d0 = _mm512_set1_epi32(kRoundingHalf);
  __m512i d1 = _mm512_setzero_si512();
  __m512i d2 = _mm512_setzero_si512();
  for (int group = 0; group < groups; ++group, packed += kGroupBytes) {
    const __m512i pixels = load_block(in, first, std::ptrdiff_t{3} * kGroup * group);
    const __m512i taps = _mm512_shuffle_epi8(pixels, planes);
    d0 = _mm512_dpbusd_epi32(d0, taps, _mm512_loadu_si512(packed));
    d1 = _mm512_dpbusd_epi32(d1, taps, _mm512_loadu_si512(packed + kDigitBytes));
    d2 = _mm512_dpbusd_epi32(d2, taps, _mm512_loadu_si512(packed + 2 * kDigitBytes));
  }
  return _mm512_cvtusepi32_epi8(_mm512_srai_epi32(join(d0, d1, d2), kFractionBits));
}

FT_AVX512 void filter_row(const std::uint8_t* in, std::size_t readable, const ResampleTable& table,
                          std::uint8_t* out) {
  constexpr __mmask16 kBlockBytes = (1U << (3 * kBlock)) - 1;
  const int whole_blocks = table.outputs() / kBlock;
  const int groups = static_cast<int>(table.packed.size() / kGroupBytes) / std::max(1, whole_blocks);
  const std::size_t reach = static_cast<std::size_t>(groups - 1) * 3 * kGroup + kLaneBytes;
  const __m128i squeeze = _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1);
  const int* first = table.first.data();
  const std::int8_t* packed = table.packed.data();
  int i = 0;
  for (; i < whole_blocks * kBlock; i += kBlock, out += 3 * kBlock) {
    if (3 * static_cast<std::size_t>(first[i + kBlock - 1]) + reach > readable) break;
    const __m128i four = filter_block(in, first + i, packed, groups);
    _mm_mask_storeu_epi8(out, kBlockBytes, _mm_shuffle_epi8(four, squeeze));
    packed += static_cast<std::size_t>(groups) * kGroupBytes;
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

FT_AVX512 __m512i pack_quarters(const __m512i* value) {
  return _mm512_packus_epi16(_mm512_packus_epi32(value[0], value[1]),
                             _mm512_packus_epi32(value[2], value[3]));
}

FT_AVX512 __m512i round(const Sums& sums) {
  __m512i value[4];
  for (int j = 0; j < 4; ++j) {
    value[j] = _mm512_srai_epi32(join(sums.of[j][0], sums.of[j][1], sums.of[j][2]), kFractionBits);
  }
  return pack_quarters(value);
}

// The weights of up to four rows from `first` on; rows that are not there weigh nothing.
FT_AVX512 void weights_of_group(std::span<const std::int32_t> weights, std::size_t first, __m512i* out) {
  std::array<std::array<std::int8_t, 3>, 4> digits{};
  for (std::size_t k = 0; k < 4 && first + k < weights.size(); ++k) digits[k] = digits_of(weights[first + k]);
  for (std::size_t digit = 0; digit < 3; ++digit) out[digit] = four_times(digits, digit);
}

__mmask64 mask_of(std::size_t bytes) {
  return bytes >= sizeof(__m512i) ? ~__mmask64{0} : (__mmask64{1} << bytes) - 1;
}

// Any number of rows, in groups of four.
FT_AVX512 void blend_many(const std::uint8_t* in, std::size_t stride, std::span<const std::int32_t> weights,
                          std::size_t bytes, std::uint8_t* out) {
  constexpr std::size_t kMostGroups = 8;  // packed once a row up to here, again for each block beyond
  const std::size_t groups = (weights.size() + 3) / 4;
  __m512i packed[kMostGroups][3];
  for (std::size_t g = 0; g < std::min(groups, kMostGroups); ++g) weights_of_group(weights, 4 * g, packed[g]);
  for (std::size_t x = 0; x < bytes; x += sizeof(__m512i)) {
    const __mmask64 there = mask_of(bytes - x);
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

FT_AVX512 __m512i pair_of(std::int32_t first, std::int32_t second) {
  return _mm512_set1_epi32((second << 16) | first);
}

// Two rows, which is what enlarging takes: 16-bit products need one less each, and no third row's shuffles.
// The weights are cut as in resize_avx2.cpp.
FT_AVX512 void blend_two(const std::uint8_t* upper, const std::uint8_t* lower,
                         std::span<const std::int32_t> weights, std::size_t bytes, std::uint8_t* out) {
  constexpr int kLowBits = 11;
  constexpr int kLowMask = (1 << kLowBits) - 1;
  const __m512i high = pair_of(weights[0] >> kLowBits, weights[1] >> kLowBits);
  const __m512i low = pair_of(weights[0] & kLowMask, weights[1] & kLowMask);
  const __m512i half = _mm512_set1_epi32(kRoundingHalf);
  const __m512i zero = _mm512_setzero_si512();
  for (std::size_t x = 0; x < bytes; x += sizeof(__m512i)) {
    const __mmask64 there = mask_of(bytes - x);
    const __m512i a = _mm512_maskz_loadu_epi8(there, upper + x);
    const __m512i b = _mm512_maskz_loadu_epi8(there, lower + x);
    const __m512i left = _mm512_unpacklo_epi8(a, b);
    const __m512i right = _mm512_unpackhi_epi8(a, b);
    __m512i value[4] = {_mm512_unpacklo_epi8(left, zero), _mm512_unpackhi_epi8(left, zero),
                        _mm512_unpacklo_epi8(right, zero), _mm512_unpackhi_epi8(right, zero)};
    for (auto& pixels : value) {
      const __m512i upper_part = _mm512_slli_epi32(_mm512_madd_epi16(pixels, high), kLowBits);
      const __m512i lower_part = _mm512_dpwssd_epi32(half, pixels, low);
      pixels = _mm512_srai_epi32(_mm512_add_epi32(upper_part, lower_part), kFractionBits);
    }
    _mm512_mask_storeu_epi8(out + x, there, pack_quarters(value));
  }
}

FT_AVX512 void blend_rows(const std::uint8_t* in, std::size_t stride, std::span<const std::int32_t> weights,
                          std::size_t bytes, std::uint8_t* out) {
  if (weights.size() == 2) {
    blend_two(in, in + stride, weights, bytes, out);
  } else {
    blend_many(in, stride, weights, bytes, out);
  }
}

}  // namespace

const ResizeKernels kAvx512Resize{"avx512", pack, filter_row, blend_rows};

}  // namespace ft

#endif
