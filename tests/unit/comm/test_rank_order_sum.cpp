#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include <gtest/gtest.h>

#include "ft/comm/bfloat16.h"

#include "rank_order_sum.h"

namespace ft {
namespace {

constexpr std::size_t kCount = 5'001;  // several blocks, and a tail that fills no vector

template <typename T>
std::vector<T> random_values(int seed) {
  std::mt19937_64 engine(static_cast<std::uint64_t>(seed));
  std::vector<T> values(kCount);
  for (auto& value : values) {
    if constexpr (std::is_integral_v<T>) {
      value = static_cast<T>(engine());
    } else {
      value = static_cast<T>(std::normal_distribution<double>()(engine) * std::exp2(engine() % 30));
    }
  }
  return values;
}

template <typename T>
void check_order(ElementKind kind, int ranks, int own) {
  std::vector<std::vector<T>> terms;
  for (int r = 0; r < ranks; ++r) terms.push_back(random_values<T>(r));
  std::vector<T> expected = terms[0];
  for (std::size_t i = 0; i < kCount; ++i) {
    for (int r = 1; r < ranks; ++r) {
      if constexpr (std::is_integral_v<T>) {
        expected[i] = static_cast<T>(static_cast<std::uint64_t>(expected[i]) +
                                     static_cast<std::uint64_t>(terms[static_cast<std::size_t>(r)][i]));
      } else {
        expected[i] += terms[static_cast<std::size_t>(r)][i];
      }
    }
  }
  std::vector<const std::byte*> addresses;
  for (const auto& term : terms) addresses.push_back(std::as_bytes(std::span(term)).data());
  auto& out = terms[static_cast<std::size_t>(own)];
  sum_in_order(addresses, std::as_writable_bytes(std::span(out)).data(), kCount, kind);
  EXPECT_EQ(out, expected) << ranks << " ranks, into the place of rank " << own;
}

TEST(RankOrderSum, KeepsTheOrderWhereverItGoes) {
  for (int ranks = 1; ranks <= 4; ++ranks) {
    for (int own = 0; own < ranks; ++own) {
      check_order<float>(ElementKind::kFloat32, ranks, own);
      check_order<double>(ElementKind::kFloat64, ranks, own);
      check_order<std::int64_t>(ElementKind::kInt64, ranks, own);
    }
  }
}

TEST(RankOrderSum, RoundsAsTheScalarFunctionDoes) {
  std::vector<float> values = random_values<float>(7);
  const float tie_down = std::bit_cast<float>(0x3f808000U);
  const float tie_up = std::bit_cast<float>(0x3f818000U);
  for (const float special : {0.0F, -0.0F, tie_down, tie_up, std::numeric_limits<float>::max(),
                              std::numeric_limits<float>::denorm_min(), INFINITY, -INFINITY, NAN,
                              std::bit_cast<float>(0xff800001U), std::bit_cast<float>(0x7fffffffU)}) {
    values.push_back(special);
  }
  std::vector<std::uint16_t> rounded(values.size());
  std::vector<float> widened(values.size());
  round_to_bfloat16(values.data(), rounded.data(), values.size());
  widen_bfloat16(rounded.data(), widened.data(), values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    ASSERT_EQ(rounded[i], float_to_bfloat16(values[i])) << values[i];
    ASSERT_EQ(std::bit_cast<std::uint32_t>(widened[i]),
              std::bit_cast<std::uint32_t>(bfloat16_to_float(rounded[i])));
  }
}

TEST(RankOrderSum, OfBFloat16AddsInFloat32AndRoundsOnce) {
  std::vector<std::vector<std::uint16_t>> terms;
  for (int r = 0; r < 3; ++r) {
    for (terms.emplace_back(); const float value : random_values<float>(r)) {
      terms.back().push_back(float_to_bfloat16(value));
    }
  }
  std::vector<std::uint16_t> expected;
  for (std::size_t i = 0; i < kCount; ++i) {
    expected.push_back(float_to_bfloat16((bfloat16_to_float(terms[0][i]) + bfloat16_to_float(terms[1][i])) +
                                         bfloat16_to_float(terms[2][i])));
  }
  std::vector<const std::uint16_t*> addresses;
  for (const auto& term : terms) addresses.push_back(term.data());
  std::vector<float> widened(kCount);
  sum_bfloat16_in_order(addresses, terms[1].data(), widened.data(), kCount);
  EXPECT_EQ(terms[1], expected);
  for (std::size_t i = 0; i < kCount; ++i) ASSERT_EQ(widened[i], bfloat16_to_float(expected[i]));
}

}  // namespace
}  // namespace ft
