#include "ft/comm/fixed_point.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>

#include "fixed_point_kernels.h"

namespace ft {
namespace {

constexpr double kScale = 0x1p40;
constexpr float kLimit = 0x1p22F;
// Below this a scaled value is below 2^51: adding kMagic, whose last place is worth 1, rounds it to a whole
// number, which is then found in the low bits.
constexpr float kSmall = 0x1p11F;
constexpr double kMagic = 0x1.8p52;
constexpr std::int64_t kMagicBits = std::bit_cast<std::int64_t>(kMagic);
static_assert(kSmall <= kLimit / kMostParts);

// So many values that they are still in the first cache for the second look at them.
constexpr std::size_t kBlock = 1024;

// The loops below are plain C++ that the compiler turns into vectors of the width that the caller allows.
// A product with a power of two is exact, so that a fused multiply-add gives the same bits.
#define FT_INLINE [[gnu::always_inline]] inline

FT_INLINE bool all_small(const float* values, std::size_t count) noexcept {
  std::uint32_t large = 0;
  for (std::size_t i = 0; i < count; ++i) large |= std::fabs(values[i]) < kSmall ? 0U : 1U;  // NaN: large
  return large == 0;
}

template <SumTerm kTerm>
FT_INLINE void add_small(float* __restrict values, std::int64_t* __restrict sums,
                         std::size_t count) noexcept {
  for (std::size_t i = 0; i < count; ++i) {
    const double shifted = static_cast<double>(values[i]) * kScale + kMagic;
    const std::int64_t steps = std::bit_cast<std::int64_t>(shifted) - kMagicBits;
    sums[i] = kTerm == SumTerm::kFirst ? steps : sums[i] + steps;
    values[i] = 0;
  }
}

// From 2^11 on a float32 is a whole number of steps already.
FT_INLINE std::int64_t steps_of(float value) noexcept {
  const double scaled = static_cast<double>(value) * kScale;
  const bool small = std::fabs(value) < kSmall;
  return static_cast<std::int64_t>(small ? (scaled + kMagic) - kMagic : scaled);
}

template <SumTerm kTerm>
FT_INLINE bool add_checked(float* __restrict values, std::int64_t* __restrict sums, std::size_t count,
                           float limit) noexcept {
  bool good = true;
  for (std::size_t i = 0; i < count; ++i) {
    const bool fits = std::fabs(values[i]) < limit;
    const std::int64_t steps = fits ? steps_of(values[i]) : 0;
    sums[i] = kTerm == SumTerm::kFirst ? steps : sums[i] + steps;
    if (fits) values[i] = 0;
    good = good && fits;
  }
  return good;
}

template <SumTerm kTerm>
FT_INLINE bool add_blocks(std::span<float> values, std::int64_t* sums, float limit) noexcept {
  bool good = true;
  for (std::size_t begin = 0; begin < values.size(); begin += kBlock) {
    const std::size_t count = std::min(kBlock, values.size() - begin);
    if (all_small(values.data() + begin, count)) {
      add_small<kTerm>(values.data() + begin, sums + begin, count);
    } else {
      good = add_checked<kTerm>(values.data() + begin, sums + begin, count, limit) && good;
    }
  }
  return good;
}

FT_INLINE bool add_any(std::span<float> values, std::span<std::int64_t> sums, float limit,
                       SumTerm term) noexcept {
  return term == SumTerm::kFirst ? add_blocks<SumTerm::kFirst>(values, sums.data(), limit)
                                 : add_blocks<SumTerm::kNext>(values, sums.data(), limit);
}

FT_INLINE void convert_any(std::span<const std::int64_t> sums, std::span<float> values) noexcept {
  const std::int64_t* __restrict in = sums.data();
  float* __restrict out = values.data();
  for (std::size_t i = 0; i < values.size(); ++i) out[i] = static_cast<float>(in[i]) * 0x1p-40F;
}

bool add_plain(std::span<float> values, std::span<std::int64_t> sums, float limit, SumTerm term) noexcept {
  return add_any(values, sums, limit, term);
}
void convert_plain(std::span<const std::int64_t> sums, std::span<float> values) noexcept {
  convert_any(sums, values);
}
constexpr FixedPointKernels kPlain{.add = &add_plain, .convert = &convert_plain};

#if defined(__x86_64__)

#define FT_AVX2 __attribute__((target("avx2")))
#define FT_AVX512 __attribute__((target("avx512f,avx512dq,avx512vl")))

FT_AVX2 bool add_avx2(std::span<float> values, std::span<std::int64_t> sums, float limit,
                      SumTerm term) noexcept {
  return add_any(values, sums, limit, term);
}
constexpr FixedPointKernels kAvx2{.add = &add_avx2, .convert = &convert_plain};

FT_AVX512 bool add_avx512(std::span<float> values, std::span<std::int64_t> sums, float limit,
                          SumTerm term) noexcept {
  return add_any(values, sums, limit, term);
}
FT_AVX512 void convert_avx512(std::span<const std::int64_t> sums, std::span<float> values) noexcept {
  convert_any(sums, values);
}
constexpr FixedPointKernels kAvx512{.add = &add_avx512, .convert = &convert_avx512};

constexpr std::array kKernels{kPlain, kAvx2, kAvx512};

std::size_t usable() noexcept {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") == 0) return 1;
  const bool wide = __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
                    __builtin_cpu_supports("avx512vl") != 0;
  return wide ? 3 : 2;
}

#else

constexpr std::array kKernels{kPlain};

std::size_t usable() noexcept {
  return 1;
}

#endif

}  // namespace

std::span<const FixedPointKernels> fixed_point_kernels() noexcept {
  static const std::size_t count = usable();
  return std::span(kKernels).first(count);
}

float fixed_point_limit(int parts) noexcept {
  // Rounded down by so much that `parts` of them, each rounded to a step, stay below 2^22.
  return std::nextafter(kLimit / static_cast<float>(parts), 0.0F);
}

bool add_fixed_point(std::span<float> values, std::span<std::int64_t> sums, float limit,
                     SumTerm term) noexcept {
  return fixed_point_kernels().back().add(values, sums, limit, term);
}

void from_fixed_point(std::span<const std::int64_t> sums, std::span<float> values) noexcept {
  fixed_point_kernels().back().convert(sums, values);
}

double exact_loss_term(double loss) noexcept {
  return std::nearbyint(loss * 0x1p24) * 0x1p-24;
}

double exact_loss_limit(int parts) noexcept {
  return 0x1p29 / parts;
}

}  // namespace ft
