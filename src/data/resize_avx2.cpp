// AVX2 has products of 16-bit numbers only that are fast: a weight is cut into w = high * 2048 + low, so that
// each half times a pixel, summed over any number of taps whose weights add up to 2^22, stays exact in 32
// bits.
#if defined(__x86_64__)

#include <algorithm>
#include <cstring>

#include <immintrin.h>

#include "resize_kernels.h"

#define FT_AVX2 __attribute__((target("avx2")))

namespace ft {
namespace {

constexpr int kLowBits = 11;
constexpr int kLowMask = (1 << kLowBits) - 1;
constexpr int kGroup = 4;                // taps that one load brings
constexpr std::size_t kGroupBytes = 64;  // of packed weights: the high halves, then the low ones
constexpr std::size_t kLoadBytes = 16;

int groups_of(const ResampleTable& table) {
  return (*std::max_element(table.count.begin(), table.count.end()) + kGroup - 1) / kGroup;
}

// A group's 32 bytes of one half: taps 0 and 1 for each channel, then taps 2 and 3.
void pack(ResampleTable& table) {
  const int groups = groups_of(table);
  const int padded = groups * kGroup;
  table.packed.resize(static_cast<std::size_t>(table.outputs()) * static_cast<std::size_t>(groups) *
                      kGroupBytes);
  std::int8_t* out = table.packed.data();
  for (int i = 0; i < table.outputs(); ++i) {
    const auto weights = table.weights_of(i);
    for (int tap = 0; tap < padded; tap += kGroup, out += kGroupBytes) {
      for (int pair = 0; pair < 2; ++pair) {
        for (int lane = 0; lane < 4; ++lane) {
          for (int k = 0; k < 2; ++k) {
            const auto index = static_cast<std::size_t>(tap + 2 * pair + k);
            const std::int32_t weight = index < weights.size() ? weights[index] : 0;
            const auto high = static_cast<std::int16_t>(weight >> kLowBits);
            const auto low = static_cast<std::int16_t>(weight & kLowMask);
            const int place = 16 * pair + 4 * lane + 2 * k;
            std::memcpy(out + place, &high, sizeof high);
            std::memcpy(out + 32 + place, &low, sizeof low);
          }
        }
      }
    }
  }
}

FT_AVX2 __m256i load(const void* from) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(from));
}

FT_AVX2 __m256i join(__m256i high, __m256i low) {
  return _mm256_add_epi32(_mm256_slli_epi32(high, kLowBits), low);
}

// The sums of one output: taps 0, 1, 4, 5, ... in the low lane, the others in the high one; red, green, blue.
FT_AVX2 __m256i filter_one(const std::uint8_t* pixel, const std::int8_t* packed, int groups) {
  const __m256i spread = _mm256_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1,  //
                                          6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1);
  __m256i high = _mm256_setzero_si256();
  __m256i low = _mm256_setzero_si256();
  for (int group = 0; group < groups; ++group, packed += kGroupBytes, pixel += 3 * kGroup) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(pixel));
    const __m256i taps = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(bytes), spread);
    high = _mm256_add_epi32(high, _mm256_madd_epi16(taps, load(packed)));
    low = _mm256_add_epi32(low, _mm256_madd_epi16(taps, load(packed + 32)));
  }
  return join(high, low);
}

// Two outputs' sums to their values, a lane each.
FT_AVX2 __m256i round_pair(__m256i first, __m256i second) {
  const __m256i sum = _mm256_add_epi32(_mm256_permute2x128_si256(first, second, 0x20),
                                       _mm256_permute2x128_si256(first, second, 0x31));
  return _mm256_srai_epi32(_mm256_add_epi32(sum, _mm256_set1_epi32(kRoundingHalf)), kFractionBits);
}

FT_AVX2 void filter_row(const std::uint8_t* in, std::size_t readable, const ResampleTable& table,
                        std::uint8_t* out) {
  constexpr int kBlock = 4;
  const int groups = static_cast<int>(table.packed.size() / kGroupBytes) / table.outputs();
  const std::size_t reach = static_cast<std::size_t>(groups - 1) * 3 * kGroup + kLoadBytes;
  const std::size_t output_bytes = static_cast<std::size_t>(groups) * kGroupBytes;
  const __m128i squeeze = _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1);
  const int* first = table.first.data();
  const std::int8_t* packed = table.packed.data();
  int i = 0;
  for (; i + kBlock <= table.outputs(); i += kBlock, out += 3 * kBlock, packed += kBlock * output_bytes) {
    if (3 * static_cast<std::size_t>(first[i + kBlock - 1]) + reach > readable) break;
    const auto one = [&](int k) __attribute__((target("avx2"))) {
      return filter_one(in + std::ptrdiff_t{3} * first[i + k],
                        packed + static_cast<std::size_t>(k) * output_bytes, groups);
    };
    const __m256i words = _mm256_packs_epi32(round_pair(one(0), one(1)), round_pair(one(2), one(3)));
    const __m256i bytes = _mm256_packus_epi16(words, words);  // outputs 0 and 2 in the low lane, 1 and 3
    const __m128i four =
        _mm_unpacklo_epi32(_mm256_castsi256_si128(bytes), _mm256_extracti128_si256(bytes, 1));
    const __m128i result = _mm_shuffle_epi8(four, squeeze);
    _mm_storel_epi64(reinterpret_cast<__m128i*>(out), result);
    const int rest = _mm_extract_epi32(result, 2);
    std::memcpy(out + 8, &rest, sizeof rest);
  }
  for (; i < table.outputs(); ++i, out += 3) filter_output(in, table, i, out);
}

// 32 bytes of the sums of two rows: as 32-bit numbers, in the order in which packing puts them together.
struct Sums {
  __m256i high[4];
  __m256i low[4];
};

FT_AVX2 void add_pair(const std::uint8_t* upper, const std::uint8_t* lower, __m256i high, __m256i low,
                      Sums& sums) {
  const __m256i zero = _mm256_setzero_si256();
  const __m256i a = load(upper);
  const __m256i b = load(lower);
  const __m256i left = _mm256_unpacklo_epi8(a, b);
  const __m256i right = _mm256_unpackhi_epi8(a, b);
  const __m256i pairs[4] = {_mm256_unpacklo_epi8(left, zero), _mm256_unpackhi_epi8(left, zero),
                            _mm256_unpacklo_epi8(right, zero), _mm256_unpackhi_epi8(right, zero)};
  for (int j = 0; j < 4; ++j) {
    sums.high[j] = _mm256_add_epi32(sums.high[j], _mm256_madd_epi16(pairs[j], high));
    sums.low[j] = _mm256_add_epi32(sums.low[j], _mm256_madd_epi16(pairs[j], low));
  }
}

FT_AVX2 __m256i round(const Sums& sums) {
  __m256i value[4];
  for (int j = 0; j < 4; ++j) value[j] = _mm256_srai_epi32(join(sums.high[j], sums.low[j]), kFractionBits);
  return _mm256_packus_epi16(_mm256_packus_epi32(value[0], value[1]),
                             _mm256_packus_epi32(value[2], value[3]));
}

FT_AVX2 __m256i pair_of(std::int32_t first, std::int32_t second) {
  return _mm256_set1_epi32((second << 16) | first);
}

FT_AVX2 void blend_rows(const std::uint8_t* in, std::size_t stride, std::span<const std::int32_t> weights,
                        std::size_t bytes, std::uint8_t* out) {
  constexpr std::size_t kBlock = 32;
  std::size_t x = 0;
  for (; x + kBlock <= bytes; x += kBlock) {
    Sums sums;
    for (int j = 0; j < 4; ++j) {
      sums.high[j] = _mm256_setzero_si256();
      sums.low[j] = _mm256_set1_epi32(kRoundingHalf);
    }
    const std::uint8_t* row = in + x;
    for (std::size_t k = 0; k < weights.size(); k += 2) {
      // The last of an odd number of rows is its own, weightless, partner.
      const bool paired = k + 1 < weights.size();
      const std::int32_t second = paired ? weights[k + 1] : 0;
      add_pair(row, paired ? row + stride : row, pair_of(weights[k] >> kLowBits, second >> kLowBits),
               pair_of(weights[k] & kLowMask, second & kLowMask), sums);
      row += 2 * stride;
    }
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + x), round(sums));
  }
  blend_bytes(in, stride, weights, x, bytes, out);
}

}  // namespace

const ResizeKernels kAvx2Resize{"avx2", pack, filter_row, blend_rows};

}  // namespace ft

#endif
