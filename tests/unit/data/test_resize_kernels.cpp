// Every instruction set gives the portable loops' bytes.
#include <algorithm>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "resize_kernels.h"

namespace ft {
namespace {

using testing::ElementsAreArray;

std::vector<std::uint8_t> random_bytes(std::size_t count, std::mt19937& random) {
  std::vector<std::uint8_t> bytes(count);
  // Runs of black and white too, where rounding could leave the range of a pixel.
  for (std::uint8_t& byte : bytes) {
    const auto draw = static_cast<std::uint32_t>(random());
    byte = (draw & 0x300U) == 0 ? ((draw & 1U) != 0 ? 255 : 0) : static_cast<std::uint8_t>(draw);
  }
  return bytes;
}

class EveryKernel : public testing::TestWithParam<const ResizeKernels*> {};

// The buffer ends with the row, so that the address sanitizer sees a read behind it.
TEST_P(EveryKernel, FiltersARowAsThePortableOne) {
  std::mt19937 random(1);
  const auto below = [&random](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  for (int trial = 0; trial < 2000; ++trial) {
    const int in_size = 1 + below(trial % 10 == 0 ? 3000 : 300);
    const int out_size = 1 + below(300);
    const int first = below(out_size);
    const OutputRange range{first, 1 + below(out_size - first)};
    ResampleTable table;
    build_resample_table(in_size, out_size, range, table);
    GetParam()->pack(table);
    const auto extra = static_cast<std::size_t>(below(40));
    const auto in = random_bytes(static_cast<std::size_t>(table.extent) * 3 + extra, random);
    std::vector<std::uint8_t> expected(static_cast<std::size_t>(range.count) * 3);
    std::vector<std::uint8_t> got(expected.size());
    kPortableResize.filter_row(in.data(), in.size(), table, expected.data());
    GetParam()->filter_row(in.data(), in.size(), table, got.data());
    ASSERT_THAT(got, ElementsAreArray(expected)) << in_size << " to " << out_size << " from " << first;
  }
}

TEST_P(EveryKernel, BlendsRowsAsThePortableOne) {
  std::mt19937 random(2);
  const auto below = [&random](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  for (int trial = 0; trial < 2000; ++trial) {
    ResampleTable table;
    build_resample_table(1 + below(trial % 10 == 0 ? 5000 : 400), 1 + below(100), {0, 1}, table);
    const auto weights = table.weights_of(0).first(static_cast<std::size_t>(table.count[0]));
    const auto bytes = static_cast<std::size_t>(1 + below(700));
    const std::size_t stride = bytes + static_cast<std::size_t>(below(9));
    const auto in = random_bytes(stride * (weights.size() - 1) + bytes, random);
    std::vector<std::uint8_t> expected(bytes);
    std::vector<std::uint8_t> got(bytes);
    kPortableResize.blend_rows(in.data(), stride, weights, bytes, expected.data());
    GetParam()->blend_rows(in.data(), stride, weights, bytes, got.data());
    ASSERT_THAT(got, ElementsAreArray(expected)) << weights.size() << " rows of " << bytes << " bytes";
  }
}

INSTANTIATE_TEST_SUITE_P(Data, EveryKernel,
                         testing::ValuesIn(resize_kernels().begin(), resize_kernels().end()),
                         [](const auto& test) { return std::string(test.param->name); });

}  // namespace
}  // namespace ft
