#include "rank_order_sum.h"

#include <algorithm>
#include <array>
#include <bit>

namespace ft {

namespace {

// Sums of a block stay in the first-level cache while the terms go by.
constexpr std::size_t kBlock = 2048;

// Each loop is compiled twice, for any x86-64 and for AVX2 (or once, elsewhere). It has to be inlined into
// both, so that it is vectorised for each.
#define FT_LOOP [[gnu::always_inline]] inline
#if defined(__x86_64__)
#define FT_AVX2 __attribute__((target("avx2")))
bool has_avx2() noexcept {
  return __builtin_cpu_supports("avx2") != 0;
}
#else
#define FT_AVX2
bool has_avx2() noexcept {
  return false;
}
#endif

// Said before a loop.
#if defined(__clang__)
#define FT_NO_ELEMENT_DEPENDS_ON_ANOTHER _Pragma("clang loop vectorize(assume_safety)")
#else
#define FT_NO_ELEMENT_DEPENDS_ON_ANOTHER _Pragma("GCC ivdep")
#endif

FT_LOOP std::uint16_t rounded_bits(float value) noexcept {
  constexpr std::uint32_t kInfinity = 0x7f800000U;
  constexpr std::uint32_t kQuietNan = 0x7fc0U;
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t to_nearest_even = (bits + 0x7fffU + ((bits >> 16U) & 1U)) >> 16U;
  const bool nan = (bits & 0x7fffffffU) > kInfinity;
  return static_cast<std::uint16_t>(nan ? kQuietNan : to_nearest_even);
}

FT_LOOP float widened_value(std::uint16_t bits) noexcept {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16U);
}

// `out` may be `a` or `b`, which the compiler cannot know.
template <typename T>
FT_LOOP void add_two(const T* a, const T* b, T* out, std::size_t count) noexcept {
  FT_NO_ELEMENT_DEPENDS_ON_ANOTHER
  for (std::size_t i = 0; i < count; ++i) out[i] = a[i] + b[i];
}

template <typename T>
FT_LOOP void sum_terms(std::span<const std::byte* const> terms, std::byte* out, std::size_t count) noexcept {
  const auto term = [&](std::size_t r) { return reinterpret_cast<const T*>(terms[r]); };
  auto* result = reinterpret_cast<T*>(out);
  if (terms.size() == 1) {
    if (terms[0] != out) std::copy_n(term(0), count, result);
    return;
  }
  std::array<T, kBlock> sum;  // NOLINT(cppcoreguidelines-pro-type-member-init): written before it is read
  const std::size_t last = terms.size() - 1;
  for (std::size_t begin = 0; begin < count; begin += kBlock) {
    const std::size_t length = std::min(kBlock, count - begin);
    // Not in `out`: that may be a term which is still to come.
    const T* partial = term(0) + begin;
    for (std::size_t r = 1; r < last; ++r) {
      add_two<T>(partial, term(r) + begin, sum.data(), length);
      partial = sum.data();
    }
    add_two<T>(partial, term(last) + begin, result + begin, length);
  }
}

FT_LOOP void round_loop(const float* values, std::uint16_t* rounded, std::size_t count) noexcept {
  for (std::size_t i = 0; i < count; ++i) rounded[i] = rounded_bits(values[i]);
}

FT_LOOP void widen_loop(const std::uint16_t* values, float* widened, std::size_t count) noexcept {
  for (std::size_t i = 0; i < count; ++i) widened[i] = widened_value(values[i]);
}

FT_LOOP void sum_bfloat16_terms(std::span<const std::uint16_t* const> terms, std::uint16_t* rounded,
                                float* widened, std::size_t count) noexcept {
  std::array<float, kBlock> sum;  // NOLINT(cppcoreguidelines-pro-type-member-init): written before it is read
  for (std::size_t begin = 0; begin < count; begin += kBlock) {
    const std::size_t length = std::min(kBlock, count - begin);
    widen_loop(terms[0] + begin, sum.data(), length);
    for (std::size_t r = 1; r < terms.size(); ++r) {
      const std::uint16_t* term = terms[r] + begin;
      for (std::size_t i = 0; i < length; ++i) sum[i] += widened_value(term[i]);
    }
    round_loop(sum.data(), rounded + begin, length);
    widen_loop(rounded + begin, widened + begin, length);
  }
}

FT_LOOP void sum_of_kind(std::span<const std::byte* const> terms, std::byte* out, std::size_t count,
                         ElementKind kind) noexcept {
  switch (kind) {
    case ElementKind::kFloat32:
      return sum_terms<float>(terms, out, count);
    case ElementKind::kFloat64:
      return sum_terms<double>(terms, out, count);
    case ElementKind::kInt64:  // unsigned: overflow is defined, and the bits are the same
      return sum_terms<std::uint64_t>(terms, out, count);
    case ElementKind::kBFloat16:
    case ElementKind::kUInt8:
      return;
  }
}

FT_AVX2 void sum_avx2(std::span<const std::byte* const> terms, std::byte* out, std::size_t count,
                      ElementKind kind) noexcept {
  sum_of_kind(terms, out, count, kind);
}
FT_AVX2 void sum_bfloat16_avx2(std::span<const std::uint16_t* const> terms, std::uint16_t* rounded,
                               float* widened, std::size_t count) noexcept {
  sum_bfloat16_terms(terms, rounded, widened, count);
}
FT_AVX2 void round_avx2(const float* values, std::uint16_t* rounded, std::size_t count) noexcept {
  round_loop(values, rounded, count);
}
FT_AVX2 void widen_avx2(const std::uint16_t* values, float* widened, std::size_t count) noexcept {
  widen_loop(values, widened, count);
}

}  // namespace

void sum_in_order(std::span<const std::byte* const> terms, std::byte* out, std::size_t count,
                  ElementKind kind) noexcept {
  if (has_avx2()) return sum_avx2(terms, out, count, kind);
  sum_of_kind(terms, out, count, kind);
}

void sum_bfloat16_in_order(std::span<const std::uint16_t* const> terms, std::uint16_t* rounded,
                           float* widened, std::size_t count) noexcept {
  if (has_avx2()) return sum_bfloat16_avx2(terms, rounded, widened, count);
  sum_bfloat16_terms(terms, rounded, widened, count);
}

void round_to_bfloat16(const float* values, std::uint16_t* rounded, std::size_t count) noexcept {
  if (has_avx2()) return round_avx2(values, rounded, count);
  round_loop(values, rounded, count);
}

void widen_bfloat16(const std::uint16_t* values, float* widened, std::size_t count) noexcept {
  if (has_avx2()) return widen_avx2(values, widened, count);
  widen_loop(values, widened, count);
}

}  // namespace ft
