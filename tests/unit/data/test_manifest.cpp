#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/base/atomic_write.h"
#include "ft/base/error.h"
#include "ft/base/hash.h"
#include "ft/data/manifest.h"

#include "temporary_directory.h"

namespace ft {
namespace {

using ::testing::HasSubstr;

Manifest example() {
  Manifest manifest;
  manifest.classes = {"ants",
                      "b\xC3\xA9"
                      "es"};
  manifest.counts = {2, 1};
  manifest.packed_with = {{"shard_mib", 128}};
  manifest.shards = {{"shard-00000-of-00002.h5", 4096, 2, "aa", "bb", {.begin = 2048, .bytes = 9}, "ee"},
                     {"shard-00001-of-00002.h5", 4097, 1, "cc", "dd", {}, ""}};
  manifest.converted = {{"ants/x.gif", "GIF P -> RGB"}};
  manifest.skipped = {{"ants/y \"q\".psd", "unsupported: PSD"}};
  manifest.exif_oriented = 1;
  manifest.fingerprint = compute_fingerprint(manifest);
  return manifest;
}

std::string error_of(const std::string& text) {
  const TemporaryDirectory tmp;
  write_file_atomically(tmp.path() / kManifestName, text);
  try {
    static_cast<void>(read_manifest(tmp.path()));
  } catch (const DataError& error) {
    return error.what();
  }
  return {};
}

std::string with(const std::string& from, const std::string& to) {
  std::string text = to_json_text(example());
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(Manifest, RoundTrip) {
  const TemporaryDirectory tmp;
  const std::string text = to_json_text(example());
  write_file_atomically(tmp.path() / kManifestName, text);
  const Manifest read = read_manifest(tmp.path());
  EXPECT_EQ(to_json_text(read), text);
  EXPECT_EQ(read.samples(), 3U);
  EXPECT_EQ(compute_fingerprint(read), read.fingerprint);
}

TEST(Manifest, HowPicturesAreStoredIsToldOnlyWhereItIsNotAsFound) {
  EXPECT_EQ(to_json_text(example()).find("transcoded"), std::string::npos);
  EXPECT_EQ(to_json_text(example()).find("resampled"), std::string::npos);
  Manifest manifest = example();
  manifest.transcoded = {.samples = 2, .bytes_found = 300, .bytes_stored = 290};
  manifest.resampled = 0;
  EXPECT_NE(compute_fingerprint(manifest), manifest.fingerprint);
  manifest.fingerprint = compute_fingerprint(manifest);
  const TemporaryDirectory tmp;
  write_file_atomically(tmp.path() / kManifestName, to_json_text(manifest));
  const Manifest read = read_manifest(tmp.path());
  EXPECT_EQ(to_json_text(read), to_json_text(manifest));
  EXPECT_EQ(read.transcoded->bytes_stored, 290U);
  EXPECT_EQ(read.resampled, 0U);
}

TEST(Manifest, WhiteSpaceDoesNotCount) {
  EXPECT_EQ(error_of(with("\n \"classes\"", "\n\n\n   \"classes\"")), "");
}

TEST(Manifest, NumbersAreWholeAndNotNegative) {
  const auto error_with = [](const nlohmann::ordered_json& bytes) {
    auto json = nlohmann::ordered_json::parse(to_json_text(example()));
    json["shards"][0]["bytes"] = bytes;
    json.erase("fingerprint");
    json["fingerprint"] = xxh3_128_of(json.dump());
    return error_of(json.dump());
  };
  EXPECT_EQ(error_with(4096U), "");
  for (const nlohmann::ordered_json& bad : {nlohmann::ordered_json(-1), nlohmann::ordered_json(1e99),
                                            nlohmann::ordered_json(0.5), nlohmann::ordered_json("4096")}) {
    EXPECT_THAT(error_with(bad), HasSubstr("is damaged")) << bad;
  }
}

TEST(Manifest, EveryValueIsInTheFingerprint) {
  const std::string fingerprint = example().fingerprint;
  const auto changed = [](auto change) {
    Manifest manifest = example();
    change(manifest);
    return compute_fingerprint(manifest);
  };
  EXPECT_NE(changed([](Manifest& m) { m.classes[0] = "x"; }), fingerprint);
  EXPECT_NE(changed([](Manifest& m) { m.counts[0] = 9; }), fingerprint);
  EXPECT_NE(changed([](Manifest& m) { m.packed_with["x"] = 1; }), fingerprint);
  EXPECT_NE(changed([](Manifest& m) { m.shards[1].xxh3_128 = "x"; }), fingerprint);
  EXPECT_NE(changed([](Manifest& m) { m.shards[1].tables_xxh3_128 = "x"; }), fingerprint);
  EXPECT_NE(changed([](Manifest& m) { m.converted.clear(); }), fingerprint);
  EXPECT_NE(changed([](Manifest& m) { m.skipped[0].reason = "x"; }), fingerprint);
  EXPECT_NE(changed([](Manifest& m) { m.exif_oriented = 0; }), fingerprint);
}

TEST(Manifest, RefusesWhatItDoesNotKnow) {
  EXPECT_THAT(error_of(with("\"format_version\": 1", "\"format_version\": 2")),
              HasSubstr("format version 2, but this program reads version 1"));
  EXPECT_THAT(error_of(with("ft_dist packed set", "shopping list")), HasSubstr("is not the manifest"));
  EXPECT_THAT(error_of(with("\"exif_oriented\": 1", "\"exif_oriented\": 0")),
              HasSubstr("was changed after packing"));
}

TEST(Manifest, RefusesTornText) {
  const std::string text = to_json_text(example());
  for (const std::size_t length : {std::size_t{0}, std::size_t{1}, text.size() / 2, text.size() - 3}) {
    EXPECT_THAT(error_of(text.substr(0, length)), HasSubstr("is damaged")) << length;
  }
  EXPECT_THAT(error_of("[]"), HasSubstr("is damaged"));
  EXPECT_THAT(error_of("{}"), HasSubstr("is damaged"));
}

TEST(Manifest, ShardsMustAddUpAndBeNamedInOrder) {
  const auto error_with = [](auto change) {
    Manifest manifest = example();
    change(manifest);
    manifest.fingerprint = compute_fingerprint(manifest);
    return error_of(to_json_text(manifest));
  };
  EXPECT_THAT(error_with([](Manifest& m) { m.shards[0].samples = 7; }), HasSubstr("do not fit together"));
  EXPECT_THAT(error_with([](Manifest& m) { m.counts.pop_back(); }), HasSubstr("do not fit together"));
  EXPECT_THAT(error_with([](Manifest& m) { m.shards[0].file = "../../etc/passwd"; }),
              HasSubstr("expected shard-00000"));
}

TEST(Manifest, NoManifestIsNoPackedSet) {
  const TemporaryDirectory tmp;
  EXPECT_THROW(static_cast<void>(read_manifest(tmp.path())), DataError);
}

}  // namespace
}  // namespace ft
