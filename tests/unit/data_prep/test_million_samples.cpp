// A set of a million samples opens in half a second, and takes 64 bytes of memory a sample.
#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include "ft/base/atomic_write.h"
#include "ft/base/hash.h"
#include "ft/base/permutation.h"
#include "ft/base/stopwatch.h"
#include "ft/data/packed_set.h"

#include "shard_writer.h"
#include "temporary_directory.h"

namespace ft::testing {
namespace {

constexpr std::uint64_t kSamples = 1'000'000;
constexpr std::uint32_t kShards = 8;
constexpr std::array<std::byte, 3> kPixel{std::byte{1}, std::byte{2}, std::byte{3}};  // one, raw

ShardRows rows_of_shard(const Permutation& placement, std::uint32_t index) {
  ShardRows rows;
  rows.tables.offset.push_back(0);
  rows.source_offset.push_back(0);
  const std::uint64_t count = kSamples / kShards;
  for (std::uint64_t row = 0; row < count; ++row) {
    const std::uint64_t id = placement[index * count + row];
    rows.tables.offset.push_back((row + 1) * kPixel.size());
    rows.tables.label.push_back(static_cast<std::int32_t>(id % 2));
    rows.tables.width.push_back(1);
    rows.tables.height.push_back(1);
    rows.tables.codec.push_back(static_cast<std::uint8_t>(Codec::kRaw));
    rows.tables.xxh3.push_back(xxh3_64(kPixel));
    rows.tables.sample_id.push_back(id);
    rows.source += fmt::format("class/{:07}.png", id);
    rows.source_offset.push_back(rows.source.size());
    rows.source_xxh3.push_back(id);
  }
  return rows;
}

void write_set(const std::filesystem::path& directory) {
  const Permutation placement(kSamples, 0, RandomUse::kShardPlacement, 0);
  Manifest manifest;
  manifest.classes = {"even", "odd"};
  manifest.counts = {kSamples / 2, kSamples / 2};
  manifest.packed_with = nlohmann::ordered_json::object();
  for (std::uint32_t index = 0; index < kShards; ++index) {
    const ShardRows rows = rows_of_shard(placement, index);
    ShardWriter writer(directory, {.index = index, .count = kShards}, manifest.classes, rows);
    std::vector<std::byte> payload;
    for (std::uint64_t row = 0; row < kSamples / kShards; ++row)
      payload.insert(payload.end(), kPixel.begin(), kPixel.end());
    writer.append(payload);
    manifest.shards.push_back(writer.finish());
  }
  manifest.fingerprint = compute_fingerprint(manifest);
  write_file_atomically(directory / kManifestName, to_json_text(manifest));
}

std::size_t allocated_bytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

TEST(MillionSamples, OpenInHalfASecondAndIn64BytesEach) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer's memory and time are not ours";
#endif
  const TemporaryDirectory tmp;
  write_set(tmp.path());
  double fastest = 1e9;
  double bytes_each = 0;
  for (int i = 0; i < 3; ++i) {
    const std::size_t before = allocated_bytes();
    const Stopwatch watch;
    const PackedSet set(tmp.path());
    fastest = std::min(fastest, watch.seconds());
    bytes_each = static_cast<double>(allocated_bytes() - before) / kSamples;
    ASSERT_EQ(set.size(), kSamples);
    std::vector<std::byte> buffer;
    EXPECT_EQ(set.read(kSamples - 1, buffer).size(), kPixel.size());
    EXPECT_EQ(set.info(kSamples - 1).label, 1);
    EXPECT_EQ(set.source(123), "class/0000123.png");
  }
  fmt::print("a million samples: opened in {:.3f} s, {:.1f} bytes each\n", fastest, bytes_each);
  EXPECT_LT(fastest, 0.5);
  EXPECT_LT(bytes_each, 64);
}

}  // namespace
}  // namespace ft::testing
