// AVX2 has products of 16-bit numbers only that are fast: a weight is cut into w = high * 2048 + low, so that
// each half times a pixel, summed over any number of taps whose weights add up to 2^22, stays exact in 32
// bits.
#if defined(__x86_64__)

#include <algorithm>
#include <array>
#include <cstring>

#include <immintrin.h>

#include "resize_kernels.h"

#define FT_AVX2 __attribute__((target("avx2")))

namespace ft {
namespace {

constexpr int kLowBits = 11;
constexpr int kLowMask = (1 << kLowBits) - 1;
constexpr int kBlock = 4;  // outputs of a row that are made at once, two in a vector
constexpr std::size_t kPairBytes =
    64;  // weights of two taps of two outputs: the high halves, then the low ones
constexpr std::size_t kTwoPixels = 6;  // bytes
constexpr std::size_t kLoadBytes = 16;

// Two taps of one output: for each channel, in its lane of both halves.
void pack_pair(std::int32_t first, std::int32_t second, std::int8_t* lane) {
  const std::array<std::int16_t, 2> high{static_cast<std::int16_t>(first >> kLowBits),
                                         static_cast<std::int16_t>(second >> kLowBits)};
  const std::array<std::int16_t, 2> low{static_cast<std::int16_t>(first & kLowMask),
                                        static_cast<std::int16_t>(second & kLowMask)};
  for (std::size_t channel = 0; channel < 3; ++channel) {
    std::memcpy(lane + 4 * channel, high.data(), sizeof high);
    std::memcpy(lane + kPairBytes / 2 + 4 * channel, low.data(), sizeof low);
  }
}

// By two outputs, two taps.
void pack(ResampleTable& table) {
  const auto pairs =
      static_cast<std::size_t>(*std::max_element(table.count.begin(), table.count.end()) + 1) / 2;
  const int blocked = table.outputs() / kBlock * kBlock;
  table.packed.assign(static_cast<std::size_t>(blocked / 2) * pairs * kPairBytes, 0);
  for (int i = 0; i < blocked; ++i) {
    const auto weights = table.weights_of(i);
    std::int8_t* lane = table.packed.data() + static_cast<std::size_t>(i / 2) * pairs * kPairBytes +
                        static_cast<std::size_t>(i % 2) * kLoadBytes;
    for (std::size_t pair = 0; pair < pairs; ++pair, lane += kPairBytes) {
      const std::size_t tap = 2 * pair;
      pack_pair(weights[tap], tap + 1 < weights.size() ? weights[tap + 1] : 0, lane);
    }
  }
}

FT_AVX2 __m256i load(const void* from) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(from));
}

FT_AVX2 __m256i join(__m256i high, __m256i low) {
  return _mm256_add_epi32(_mm256_slli_epi32(high, kLowBits), low);
}

FT_AVX2 __m256i load_two(const std::uint8_t* first, const std::uint8_t* second) {
  const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(first));
  const __m128i high = _mm_loadu_si128(reinterpret_cast<const __m128i*>(second));
  return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}

// Two outputs, a lane each: red, green, blue and nothing.
FT_AVX2 __m256i filter_two(const std::uint8_t* first, const std::uint8_t* second, const std::int8_t* packed,
                           int pairs) {
  const __m256i spread =
      _mm256_broadcastsi128_si256(_mm_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1));
  __m256i high = _mm256_setzero_si256();
  __m256i low = _mm256_set1_epi32(kRoundingHalf);
  for (int pair = 0; pair < pairs; ++pair, packed += kPairBytes, first += kTwoPixels, second += kTwoPixels) {
    const __m256i taps = _mm256_shuffle_epi8(load_two(first, second), spread);
    high = _mm256_add_epi32(high, _mm256_madd_epi16(taps, load(packed)));
    low = _mm256_add_epi32(low, _mm256_madd_epi16(taps, load(packed + kPairBytes / 2)));
  }
  return _mm256_srai_epi32(join(high, low), kFractionBits);
}

FT_AVX2 void filter_row(const std::uint8_t* in, std::size_t readable, const ResampleTable& table,
                        std::uint8_t* out) {
  const int blocked = table.outputs() / kBlock * kBlock;
  const int pairs = static_cast<int>(table.packed.size() / kPairBytes) / std::max(1, blocked / 2);
  const std::size_t reach = static_cast<std::size_t>(pairs - 1) * kTwoPixels + kLoadBytes;
  const std::size_t two_outputs = static_cast<std::size_t>(pairs) * kPairBytes;
  const __m128i squeeze = _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1);
  const int* first = table.first.data();
  const std::int8_t* packed = table.packed.data();
  int i = 0;
  for (; i < blocked; i += kBlock, out += 3 * kBlock, packed += 2 * two_outputs) {
    if (3 * static_cast<std::size_t>(first[i + kBlock - 1]) + reach > readable) break;
    const auto at = [&](int k) { return in + std::ptrdiff_t{3} * first[i + k]; };
    const __m256i words = _mm256_packs_epi32(filter_two(at(0), at(1), packed, pairs),
                                             filter_two(at(2), at(3), packed + two_outputs, pairs));
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
  std::size_t x = 0;
  for (; x + sizeof(__m256i) <= bytes; x += sizeof(__m256i)) {
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
