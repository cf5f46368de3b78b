#if defined(__x86_64__)

#include "colour.h"

#include <algorithm>
#include <cstring>

#include <immintrin.h>

#define FT_AVX2 __attribute__((target("avx2")))

namespace ft::jpeg {
namespace {

constexpr int kAtOnce = 16;  // pixels, or chroma samples

std::size_t rounded_up(int count) {
  return (static_cast<std::size_t>(count) + kAtOnce - 1) / kAtOnce * kAtOnce;
}

FT_AVX2 inline __m256i load(const void* from) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(from));
}

FT_AVX2 inline __m256i widen(const std::uint8_t* from) {
  return _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
}

// 3 x near + far.
FT_AVX2 void blend_vertically(const std::uint8_t* near, const std::uint8_t* far, std::size_t count,
                              std::uint16_t* out) {
  const __m256i three = _mm256_set1_epi16(3);
  for (std::size_t i = 0; i < count; i += kAtOnce) {
    const __m256i sum = _mm256_add_epi16(_mm256_mullo_epi16(widen(near + i), three), widen(far + i));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), sum);
  }
}

FT_AVX2 void widen_row(const std::uint8_t* in, std::size_t count, std::uint16_t* out) {
  for (std::size_t i = 0; i < count; i += kAtOnce)
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), widen(in + i));
}

// Two samples out of each: (3 x own + left + LeftBias) >> Shift, (3 x own + right + RightBias) >> Shift.
// Reads in[-1] .. in[count].
template <int Shift, int LeftBias, int RightBias>
FT_AVX2 void double_row(const std::uint16_t* in, std::size_t count, std::uint8_t* out) {
  const __m256i three = _mm256_set1_epi16(3);
  for (std::size_t i = 0; i < count; i += kAtOnce) {
    const __m256i own = _mm256_mullo_epi16(load(in + i), three);
    const __m256i left =
        _mm256_add_epi16(_mm256_add_epi16(own, load(in + i - 1)), _mm256_set1_epi16(LeftBias));
    const __m256i right =
        _mm256_add_epi16(_mm256_add_epi16(own, load(in + i + 1)), _mm256_set1_epi16(RightBias));
    const __m256i both = _mm256_or_si256(_mm256_srli_epi16(left, Shift),
                                         _mm256_slli_epi16(_mm256_srli_epi16(right, Shift), 8));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + 2 * i), both);
  }
}

constexpr int kColourBits = 16;
constexpr int kColourHalf = 1 << (kColourBits - 1);

constexpr int fixed(double value) {
  return static_cast<int>(value * (1 << kColourBits) + 0.5);
}

// (first x a + second x b + half) >> 16 for sixteen pairs; the weights are what is left of the published ones
// when whole multiples are taken out, so that they fit 16 bits.
FT_AVX2 inline __m256i weigh(__m256i first, __m256i second, int a, int b) {
  const __m256i weights = _mm256_set1_epi32(
      static_cast<int>((static_cast<unsigned>(b) << 16U) | (static_cast<unsigned>(a) & 0xFFFFU)));
  const __m256i half = _mm256_set1_epi32(kColourHalf);
  const __m256i low = _mm256_madd_epi16(_mm256_unpacklo_epi16(first, second), weights);
  const __m256i high = _mm256_madd_epi16(_mm256_unpackhi_epi16(first, second), weights);
  return _mm256_packs_epi32(_mm256_srai_epi32(_mm256_add_epi32(low, half), kColourBits),
                            _mm256_srai_epi32(_mm256_add_epi32(high, half), kColourBits));
}

// The same for one term, with half the operations: (chroma x weight + half) >> 16 by way of twice the
// product.
FT_AVX2 inline __m256i weigh(__m256i chroma, int weight) {
  const __m256i twice = _mm256_mulhi_epi16(_mm256_add_epi16(chroma, chroma),
                                           _mm256_set1_epi16(static_cast<std::int16_t>(weight)));
  return _mm256_srai_epi16(_mm256_add_epi16(twice, _mm256_set1_epi16(1)), 1);
}

FT_AVX2 inline __m128i to_bytes(__m256i words) {
  const __m256i bytes = _mm256_permute4x64_epi64(_mm256_packus_epi16(words, words), 0x08);
  return _mm256_castsi256_si128(bytes);
}

// Sixteen of each to 48 bytes.
FT_AVX2 inline void store_rgb(__m128i red, __m128i green, __m128i blue, std::uint8_t* out) {
  const __m128i red_green_low = _mm_unpacklo_epi8(red, green);
  const __m128i red_green_high = _mm_unpackhi_epi8(red, green);
  const __m128i blue_low = _mm_unpacklo_epi8(blue, blue);
  const __m128i blue_high = _mm_unpackhi_epi8(blue, blue);
  // (r g b b) quadruples, four pixels each, squeezed to twelve bytes.
  const __m128i squeeze = _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1);
  const __m128i first = _mm_shuffle_epi8(_mm_unpacklo_epi16(red_green_low, blue_low), squeeze);
  const __m128i second = _mm_shuffle_epi8(_mm_unpackhi_epi16(red_green_low, blue_low), squeeze);
  const __m128i third = _mm_shuffle_epi8(_mm_unpacklo_epi16(red_green_high, blue_high), squeeze);
  const __m128i fourth = _mm_shuffle_epi8(_mm_unpackhi_epi16(red_green_high, blue_high), squeeze);
  auto* to = reinterpret_cast<__m128i*>(out);
  _mm_storeu_si128(to, _mm_or_si128(first, _mm_slli_si128(second, 12)));
  _mm_storeu_si128(to + 1, _mm_or_si128(_mm_srli_si128(second, 4), _mm_slli_si128(third, 8)));
  _mm_storeu_si128(to + 2, _mm_or_si128(_mm_srli_si128(third, 8), _mm_slli_si128(fourth, 4)));
}

FT_AVX2 inline void convert_pixels(const std::uint8_t* luma, const std::uint8_t* cb, const std::uint8_t* cr,
                                   std::uint8_t* out) {
  const __m256i middle = _mm256_set1_epi16(128);
  const __m256i y = widen(luma);
  const __m256i u = _mm256_sub_epi16(widen(cb), middle);
  const __m256i v = _mm256_sub_epi16(widen(cr), middle);
  const __m256i red = _mm256_add_epi16(_mm256_add_epi16(y, v), weigh(v, fixed(1.40200) - 65536));
  const __m256i green =
      _mm256_add_epi16(_mm256_sub_epi16(y, v), weigh(u, v, -fixed(0.34414), 65536 - fixed(0.71414)));
  const __m256i blue =
      _mm256_add_epi16(_mm256_add_epi16(y, _mm256_add_epi16(u, u)), weigh(u, fixed(1.77200) - 131072));
  store_rgb(to_bytes(red), to_bytes(green), to_bytes(blue), out);
}

FT_AVX2 void convert_row(const std::uint8_t* luma, const std::uint8_t* cb, const std::uint8_t* cr, int width,
                         std::uint8_t* out) {
  int x = 0;
  for (; x + kAtOnce <= width; x += kAtOnce)
    convert_pixels(luma + x, cb + x, cr + x, out + std::ptrdiff_t{3} * x);
  if (x == width) return;
  std::uint8_t last[3 * kAtOnce];
  convert_pixels(luma + x, cb + x, cr + x, last);
  std::memcpy(out + std::ptrdiff_t{3} * x, last, std::size_t{3} * static_cast<std::size_t>(width - x));
}

void repeat_row(const std::uint8_t* grey, int width, std::uint8_t* out) {
  for (int x = 0; x < width; ++x, out += 3) out[0] = out[1] = out[2] = grey[x];
}

}  // namespace

void RowConverter::start(Chroma chroma, const Box& window) {
  chroma_ = chroma;
  window_ = window;
  if (chroma != Chroma::k422 && chroma != Chroma::k420) return;
  const std::size_t samples = rounded_up(window.width / 2 + 2);
  // Never smaller again: a vector that grows anew would clear what is overwritten anyway.
  if (cb_.size() >= 2 * samples + kPlaneSlack) return;
  sums_.resize(samples + 2 + kAtOnce);
  cb_.resize(2 * samples + kPlaneSlack);
  cr_.resize(2 * samples + kPlaneSlack);
}

void RowConverter::convert(const Plane* planes, int y, std::uint8_t* out) {
  const std::uint8_t* luma = planes[0].at(window_.left, y);
  switch (chroma_) {
    case Chroma::kNone:
      return repeat_row(luma, window_.width, out);
    case Chroma::k444:
      return convert_row(luma, planes[1].at(window_.left, y), planes[2].at(window_.left, y), window_.width,
                         out);
    case Chroma::k422:
    case Chroma::k420:
      return convert_row(luma, chroma_row(planes[1], y, cb_), chroma_row(planes[2], y, cr_), window_.width,
                         out);
  }
}

// The chroma samples of a row of pixels, twice as many as were stored. At the picture's edges a sample is its
// own neighbour.
const std::uint8_t* RowConverter::chroma_row(const Plane& plane, int y, std::vector<std::uint8_t>& row) {
  const int first = window_.left / 2;
  const int last = (window_.right() - 1) / 2;
  const int from = std::max(first - 1, 0);
  const int to = std::min(last + 1, plane.whole.width - 1);
  std::uint16_t* const sums = sums_.data() + 1;  // of sample `first` and on
  const auto count = static_cast<std::size_t>(to - from) + 1;
  std::uint16_t* const into = sums + (from - first);
  if (chroma_ == Chroma::k420) {
    const int near = y / 2;
    const int far = std::clamp(y % 2 == 0 ? near - 1 : near + 1, 0, plane.whole.height - 1);
    blend_vertically(plane.at(from, near), plane.at(from, far), count, into);
  } else {
    widen_row(plane.at(from, y), count, into);
  }
  if (from == first) sums[-1] = sums[0];
  if (to == last) sums[last - first + 1] = sums[last - first];
  const auto samples = static_cast<std::size_t>(last - first) + 1;
  if (chroma_ == Chroma::k420) {
    double_row<4, 8, 7>(sums, samples, row.data());
  } else {
    double_row<2, 1, 2>(sums, samples, row.data());
  }
  return row.data() + (window_.left - 2 * first);
}

}  // namespace ft::jpeg

#endif
