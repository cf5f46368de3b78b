// One bit of a packed set is wrong: 1,000 times in a shard, 1,000 times in the manifest. verify finds each,
// and so does whoever trains: when the set is opened, or when the sample is read.
#include <map>
#include <random>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/base/file.h"
#include "ft/data/hdf5_handle.h"
#include "ft/data/packed_set.h"

#include "packing_support.h"
#include "verify.h"

namespace ft::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;

constexpr int kFlips = 1000;
constexpr const char* kShard = "shard-00000-of-00002.h5";

struct Part {
  std::string name;
  std::uint64_t begin, end;
};

// Where the datasets lie; all else is HDF5's own.
std::vector<Part> parts_of(const fs::path& shard) {
  const Hdf5Session session;
  const Hdf5Handle file(H5Fopen(shard.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
  std::vector<Part> parts;
  for (const char* name : {"payload", "offset", "label", "width", "height", "codec", "xxh3", "sample_id",
                           "source", "source_offset", "source_xxh3", "classes"}) {
    const Hdf5Handle dataset(H5Dopen2(file.get(), name, H5P_DEFAULT), H5Dclose);
    const std::uint64_t begin = H5Dget_offset(dataset.get());
    parts.push_back({name, begin, begin + H5Dget_storage_size(dataset.get())});
  }
  return parts;
}

std::string part_at(const std::vector<Part>& parts, std::uint64_t byte) {
  for (const Part& part : parts) {
    if (byte >= part.begin && byte < part.end) return part.name;
  }
  return "HDF5's own, and gaps";
}

struct Counts {
  int flips = 0, by_verify = 0, at_open = 0, at_read = 0;
};

void print(const std::map<std::string, Counts>& table) {
  fmt::print("{:<22}{:>7}{:>11}{:>9}{:>9}\n", "bit flipped in", "flips", "by verify", "at open", "at read");
  for (const auto& [name, counts] : table) {
    fmt::print("{:<22}{:>7}{:>11}{:>9}{:>9}\n", name, counts.flips, counts.by_verify, counts.at_open,
               counts.at_read);
  }
}

class BitFlips : public ::testing::Test {
 protected:
  BitFlips() { pack_fake(set_, fake_items(20, 300), {.shards = 2}); }

  // Writes `file` anew with one bit changed, and returns the byte that holds it.
  std::uint64_t flip(const std::string& whole, const fs::path& file) {
    const std::uint64_t bit = random_() % (whole.size() * 8);
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    write_text(file, damaged);
    return bit / 8;
  }

  // "" where every sample can be read.
  [[nodiscard]] std::string error_of_reading(const PackedSet& set) const {
    return message_of<DataError>([&set] {
      std::vector<std::byte> buffer;
      for (std::uint64_t id = 0; id < set.size(); ++id) static_cast<void>(set.read(id, buffer));
    });
  }

  // Opens, then reads all; notes which of the two found the damage, and returns its words.
  std::string use(Counts& counts) const {
    std::string error;
    try {
      const PackedSet set(set_);
      error = error_of_reading(set);
      if (!error.empty()) ++counts.at_read;
    } catch (const DataError& at_open) {
      ++counts.at_open;
      error = at_open.what();
    }
    return error;
  }

  TemporaryDirectory tmp_;
  fs::path set_ = tmp_.path() / "set";
  std::mt19937_64 random_{20};  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same flips every time
};

TEST_F(BitFlips, InAShard) {
  const fs::path shard = set_ / kShard;
  const std::string whole = read_text_file(shard);
  const std::vector<Part> parts = parts_of(shard);
  const std::string recorded = read_manifest(set_).shards[0].xxh3_128;
  std::map<std::string, Counts> table;
  for (int i = 0; i < kFlips; ++i) {
    const std::string part = part_at(parts, flip(whole, shard));
    Counts& counts = table[part];
    ++counts.flips;
    ASSERT_NE(xxh3_128_of_file(shard), recorded) << part;
    ++counts.by_verify;
    if (i % 50 == 0) {  // what verify makes of such a hash; it draws a bar each time
      ASSERT_THAT(verify(set_).damage, Contains(AllOf(HasSubstr(kShard), HasSubstr("the file's hash"))));
    }
    const int at_read = counts.at_read;
    const std::string error = use(counts);
    ASSERT_THAT(error, HasSubstr(kShard)) << "not found by training, in " << part;
    // What training must name: shard, sample and source path. Nothing but payload is left to be found by
    // then.
    ASSERT_EQ(counts.at_read > at_read, part == "payload") << error;
    if (part == "payload") {
      ASSERT_THAT(error, ::testing::ContainsRegex("sample [0-9]+ \\(shard-00000-of-00002.h5 row [0-9]+, "
                                                  "(cat|dog)/[0-9]+.jpg\\)"));
    }
  }
  print(table);
  EXPECT_GT(table["payload"].flips, 100);
  EXPECT_GT(table["HDF5's own, and gaps"].flips, 100);
}

TEST_F(BitFlips, InTheManifest) {
  const fs::path manifest = set_ / kManifestName;
  const std::string whole = read_text_file(manifest);
  for (int i = 0; i < kFlips; ++i) {
    const std::uint64_t byte = flip(whole, manifest);
    Counts counts;
    ASSERT_THAT(use(counts), HasSubstr(kManifestName)) << "byte " << byte;
    ASSERT_EQ(counts.at_open, 1);
  }
}

}  // namespace
}  // namespace ft::testing
