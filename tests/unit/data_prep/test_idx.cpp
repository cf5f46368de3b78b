#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "idx.h"
#include "packing_support.h"

namespace ft::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

std::string big_endian(std::uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8)
    bytes += static_cast<char>(value >> static_cast<unsigned>(shift));
  return bytes;
}

std::string idx(const std::vector<std::uint32_t>& dimensions, std::string_view values,
                std::uint8_t type = 8) {
  std::string bytes = big_endian(type * 256U + static_cast<std::uint32_t>(dimensions.size()));
  for (const std::uint32_t dimension : dimensions) bytes += big_endian(dimension);
  return bytes.append(values);
}

void write_gzip(const fs::path& path, const std::string& text) {
  gzFile file = gzopen(path.c_str(), "wb");
  ASSERT_NE(file, nullptr);
  ASSERT_EQ(gzwrite(file, text.data(), static_cast<unsigned>(text.size())), static_cast<int>(text.size()));
  ASSERT_EQ(gzclose(file), Z_OK);
}

class Idx : public ::testing::Test {
 protected:
  // Four pictures of 3 x 2 pixels.
  Idx() { write_pair(idx({4, 2, 3}, "aaaaaabbbbbbccccccdddddd"), idx({4}, std::string("\2\0\1\0", 4))); }

  void write_pair(const std::string& images, const std::string& labels) const {
    write_text(images_, images);
    write_text(tmp_.path() / "t-labels-idx1-ubyte", labels);
  }
  [[nodiscard]] std::string error(const std::vector<std::string>& names = {},
                                  const std::vector<std::string>& wanted = {}) const {
    return message_of<Error>([&] { const IdxPair pair(images_, names, wanted); });
  }

  TemporaryDirectory tmp_;
  fs::path images_ = tmp_.path() / "t-images-idx3-ubyte";
};

TEST_F(Idx, GroupsByClassInFileOrder) {
  const IdxPair pair(images_, {}, {});
  EXPECT_THAT(pair.classes(), ElementsAre("0", "1", "2"));
  ASSERT_EQ(pair.size(), 4U);
  EXPECT_EQ(pair.source(0), "t-images-idx3-ubyte[1]");
  EXPECT_EQ(pair.source(1), "t-images-idx3-ubyte[3]");
  EXPECT_EQ(pair.source(2), "t-images-idx3-ubyte[2]");
  EXPECT_EQ(pair.label(3), 2);
  const LoadedImage loaded = load(pair, 1);
  EXPECT_EQ(loaded.image.codec, Codec::kRaw);
  EXPECT_EQ(loaded.image.pixels.width(), 3);
  EXPECT_EQ(loaded.image.pixels.height(), 2);
  EXPECT_THAT(loaded.image.pixels.pixels(), ElementsAreArray(std::vector<int>(18, 'd')));
}

TEST_F(Idx, Gzip) {
  write_gzip(tmp_.path() / "z-images-idx3-ubyte.gz", read_text_file(images_));
  write_gzip(tmp_.path() / "z-labels-idx1-ubyte.gz", read_text_file(tmp_.path() / "t-labels-idx1-ubyte"));
  const IdxPair pair(tmp_.path() / "z-images-idx3-ubyte.gz", {}, {});
  EXPECT_THAT(load(pair, 1).image.pixels.pixels(),
              ElementsAreArray(load(IdxPair(images_, {}, {}), 1).image.pixels.pixels()));
}

TEST_F(Idx, LabelsMayBePlainWhereImagesAreNot) {
  write_gzip(tmp_.path() / "t-images-idx3-ubyte.gz", read_text_file(images_));
  EXPECT_EQ(IdxPair(tmp_.path() / "t-images-idx3-ubyte.gz", {}, {}).size(), 4U);
}

TEST_F(Idx, NamesAndSelection) {
  const IdxPair pair(images_, {"shirt", "shoe", "bag"}, {"2", "shirt"});
  EXPECT_THAT(pair.classes(), ElementsAre("shirt", "bag"));
  ASSERT_EQ(pair.size(), 3U);
  EXPECT_EQ(pair.label(0), 0);
  EXPECT_EQ(pair.label(2), 1);
  EXPECT_EQ(pair.source(2), "t-images-idx3-ubyte[0]");
}

TEST_F(Idx, SayWhatIsWrongWithTheNames) {
  EXPECT_THAT(error({"a", "b"}), HasSubstr("gives 2 names, but the labels of"));
  EXPECT_THAT(error({"a", "b", "a"}), HasSubstr("gives 'a' twice"));
  EXPECT_THAT(error({"a", "", "c"}), HasSubstr("empty"));
  EXPECT_THAT(error({}, {"0", "7"}), HasSubstr("no class '7'"));
  EXPECT_THAT(error({}, {"0"}), HasSubstr("a classifier needs two"));
}

TEST_F(Idx, Malformed) {
  const std::string images = read_text_file(images_);
  const std::string labels = idx({4}, std::string("\2\0\1\0", 4));
  write_pair(images.substr(0, images.size() - 1), labels);
  EXPECT_THAT(error(), HasSubstr("is cut short: 23 bytes of 24"));
  write_pair(images + "x", labels);
  EXPECT_THAT(error(), HasSubstr("holds more than the 24 bytes"));
  write_pair(images, idx({3}, "\1\1\1"));
  EXPECT_THAT(error(), HasSubstr("3 labels for the 4 pictures"));
  write_pair(images, idx({4}, std::string(4, '\0')));
  EXPECT_THAT(error(), HasSubstr("one class only"));
  write_pair(idx({4, 2, 3}, "", 0x0D), labels);
  EXPECT_THAT(error(), HasSubstr("is not an IDX file of bytes in 3 dimensions"));
  write_pair(idx({4, 0, 3}, ""), labels);
  EXPECT_THAT(error(), HasSubstr("impossible dimensions"));
  write_pair(idx({0xffffffff, 0xffffffff, 0xffffffff}, ""), labels);
  EXPECT_THAT(error(), HasSubstr("impossible dimensions"));
  write_pair(idx({0xffffffff, 100, 100}, "xyz"), labels);
  EXPECT_THAT(error(), HasSubstr("is cut short: 3 bytes"));
  write_pair(images.substr(0, 9), labels);
  EXPECT_THAT(error(), HasSubstr("ends in its header"));
  write_pair("", labels);
  EXPECT_THAT(error(), HasSubstr("is not an IDX file"));
}

TEST_F(Idx, DamagedGzip) {
  write_gzip(tmp_.path() / "z-images-idx3-ubyte.gz", read_text_file(images_));
  write_gzip(tmp_.path() / "z-labels-idx1-ubyte.gz", idx({4}, std::string("\2\0\1\0", 4)));
  std::string bytes = read_text_file(tmp_.path() / "z-images-idx3-ubyte.gz");
  bytes[bytes.size() - 6] ^= 1;  // its checksum
  write_text(tmp_.path() / "z-images-idx3-ubyte.gz", bytes);
  EXPECT_THAT(
      message_of<DataError>([&] { const IdxPair pair(tmp_.path() / "z-images-idx3-ubyte.gz", {}, {}); }),
      HasSubstr("is damaged"));
}

TEST_F(Idx, LabelsAreFoundByName) {
  fs::remove(tmp_.path() / "t-labels-idx1-ubyte");
  EXPECT_THAT(error(), HasSubstr("neither t-labels-idx1-ubyte nor t-labels-idx1-ubyte.gz is beside it"));
  write_text(tmp_.path() / "pictures.bin", "x");
  EXPECT_THAT(message_of<DataError>([&] { const IdxPair pair(tmp_.path() / "pictures.bin", {}, {}); }),
              HasSubstr("not the images file of an IDX pair by its name"));
}

}  // namespace
}  // namespace ft::testing
