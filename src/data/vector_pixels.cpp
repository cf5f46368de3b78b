// (p / 255 - mean) / std with a rounding after each step, as torch does it, but without divisions: q = x * (1
// / d) is at most one step off, and what is left over, x - q * d, which a fused multiply-add gives exactly,
// corrects it (Markstein, "Computation of elementary functions on the IBM RISC System/6000 processor", 1990).
// PixelWriter compares all 768 values with its tables before it uses this.
#include "vector_pixels.h"

#include <algorithm>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace ft {
namespace {

constexpr std::uint8_t kNothing = 0x80;  // a shuffle then gives zero
constexpr std::size_t kChannels = 3;

}  // namespace

VectorPixels::VectorPixels(PixelLayout layout, const std::array<double, 3>& mean,
                           const std::array<double, 3>& std)
    : layout_(layout), orders_{order_of(layout, false), order_of(layout, true)} {
  for (std::size_t vector = 0; vector < kChannels; ++vector) {
    for (std::size_t lane = 0; lane < kGroup; ++lane) {
      const std::size_t channel =
          layout == PixelLayout::kNhwc ? (kGroup * vector + lane) % kChannels : vector;
      const auto deviation = static_cast<float>(std[channel]);
      constants_[vector].mean[lane] = static_cast<float>(mean[channel]);
      constants_[vector].deviation[lane] = deviation;
      constants_[vector].reciprocal[lane] = 1.0F / deviation;
    }
  }
}

VectorPixels::Order VectorPixels::order_of(PixelLayout layout, bool flip) {
  Order order;
  for (auto* mask :
       {&order.low_from_first, &order.low_from_second, &order.high_from_first, &order.high_from_second}) {
    mask->fill(kNothing);
  }
  for (std::size_t place = 0; place < kChannels * kGroup; ++place) {
    const bool interleaved = layout == PixelLayout::kNhwc;
    const std::size_t pixel = interleaved ? place / kChannels : place % kGroup;
    const std::size_t channel = interleaved ? place % kChannels : place / kGroup;
    const std::size_t from = kChannels * (flip ? kGroup - 1 - pixel : pixel) + channel;
    const bool low = place < 16;
    const bool first = from < 16;
    auto& mask = low ? (first ? order.low_from_first : order.low_from_second)
                     : (first ? order.high_from_first : order.high_from_second);
    mask[place % 16] = static_cast<std::uint8_t>(first ? from : from - 8);
  }
  return order;
}

#if defined(__x86_64__)

#define FT_AVX2_FMA __attribute__((target("avx2,fma")))

bool vector_pixels_available() noexcept {
  return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
}

namespace {

FT_AVX2_FMA __m128i load(const std::uint8_t* from) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}

FT_AVX2_FMA __m128i pick(__m128i first, const std::array<std::uint8_t, 16>& from_first, __m128i second,
                         const std::array<std::uint8_t, 16>& from_second) {
  return _mm_or_si128(_mm_shuffle_epi8(first, load(from_first.data())),
                      _mm_shuffle_epi8(second, load(from_second.data())));
}

FT_AVX2_FMA __m256 divide(__m256 x, __m256 divisor, __m256 reciprocal) {
  const __m256 quotient = _mm256_mul_ps(x, reciprocal);
  return _mm256_fmadd_ps(_mm256_fnmadd_ps(quotient, divisor, x), reciprocal, quotient);
}

FT_AVX2_FMA __m256 normalise(__m128i levels, const float* mean, const float* deviation,
                             const float* reciprocal) {
  const __m256 level = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(levels));
  const __m256 unit = divide(level, _mm256_set1_ps(255.0F), _mm256_set1_ps(1.0F / 255.0F));
  return divide(_mm256_sub_ps(unit, _mm256_load_ps(mean)), _mm256_load_ps(deviation),
                _mm256_load_ps(reciprocal));
}

// Past the caches: a batch is larger than they are, and its lines need not be read before they are written.
template <bool kStream>
FT_AVX2_FMA void store(__m256 values, float* out) {
  kStream ? _mm256_stream_ps(out, values) : _mm256_storeu_ps(out, values);
}

// Rounds to nearest even.
template <bool kStream>
FT_AVX2_FMA void store(__m256 values, std::uint16_t* out) {
  const __m256i bits = _mm256_castps_si256(values);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i rounded = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
  const __m256i high = _mm256_srli_epi32(rounded, 16);
  const __m128i packed = _mm_packus_epi32(_mm256_castsi256_si128(high), _mm256_extracti128_si256(high, 1));
  auto* const to = reinterpret_cast<__m128i*>(out);
  kStream ? _mm_stream_si128(to, packed) : _mm_storeu_si128(to, packed);
}

}  // namespace

template <class Value>
void VectorPixels::write(const std::uint8_t* in, int width, bool flip, Value* out,
                         std::size_t channel_step) const {
  constexpr std::size_t kVector = kGroup * sizeof(Value);
  const bool aligned = reinterpret_cast<std::uintptr_t>(out) % kVector == 0 && width % kGroup == 0 &&
                       (layout_ == PixelLayout::kNhwc || channel_step % kGroup == 0);
  if (aligned && sizeof(Value) > 1) {
    write_groups<Value, true>(in, width, flip, out, channel_step);
  } else {
    write_groups<Value, false>(in, width, flip, out, channel_step);
  }
}

void VectorPixels::finish() noexcept {
  _mm_sfence();
}

template <class Value, bool kStream>
FT_AVX2_FMA void VectorPixels::write_groups(const std::uint8_t* in, int width, bool flip, Value* out,
                                            std::size_t channel_step) const {
  const bool interleaved = layout_ == PixelLayout::kNhwc;
  const std::size_t vector_step = interleaved ? kGroup : channel_step;
  const std::size_t pixel_step = interleaved ? kChannels : 1;
  const Order& order = orders_[flip ? 1 : 0];
  for (int next = 0; next < width; next += kGroup) {
    const int x = std::min(next, width - kGroup);  // the last group may cover pixels again
    const std::uint8_t* group = in + std::ptrdiff_t{3} * (flip ? width - kGroup - x : x);
    const __m128i first = load(group);
    const __m128i second = load(group + 8);
    const __m128i low = pick(first, order.low_from_first, second, order.low_from_second);
    const __m128i high = pick(first, order.high_from_first, second, order.high_from_second);
    const __m128i vectors[] = {low, _mm_srli_si128(low, 8), high};
    Value* to = out + static_cast<std::size_t>(x) * pixel_step;
    for (std::size_t i = 0; i < kChannels; ++i, to += vector_step) {
      if constexpr (sizeof(Value) == 1) {
        _mm_storel_epi64(reinterpret_cast<__m128i*>(to), vectors[i]);
      } else {
        const Constants& constants = constants_[i];
        store<kStream>(normalise(vectors[i], constants.mean.data(), constants.deviation.data(),
                                 constants.reciprocal.data()),
                       to);
      }
    }
  }
}

#else

bool vector_pixels_available() noexcept {
  return false;
}

template <class Value>
void VectorPixels::write(const std::uint8_t* /*in*/, int /*width*/, bool /*flip*/, Value* /*out*/,
                         std::size_t /*channel_step*/) const {}

void VectorPixels::finish() noexcept {}

#endif

template void VectorPixels::write(const std::uint8_t*, int, bool, float*, std::size_t) const;
template void VectorPixels::write(const std::uint8_t*, int, bool, std::uint16_t*, std::size_t) const;
template void VectorPixels::write(const std::uint8_t*, int, bool, std::uint8_t*, std::size_t) const;

}  // namespace ft
