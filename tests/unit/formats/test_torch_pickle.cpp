#include <cstring>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/base/error.h"
#include "ft/model/formats/tensor_file.h"

#include "format_files.h"
#include "temporary_directory.h"
#include "torch_fixtures.h"

namespace ft {
namespace {

using test::join;
using test::little_endian;
using test::refusal;
using test::torch_zip;
using test::write_bytes;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <typename T>
T element_at(const TensorRecord& record, std::int64_t index) {
  T value{};
  std::memcpy(&value, record.bytes.data() + static_cast<std::size_t>(index) * sizeof(T), sizeof(T));
  return value;
}

std::string text(std::string_view value) {
  return join({"X", little_endian(static_cast<std::uint32_t>(value.size())), value});
}

std::string long_integer(std::int64_t value) {
  return join({"\x8a\x08", little_endian(static_cast<std::uint64_t>(value))});
}

std::string tuple_of(const std::vector<std::int64_t>& values) {
  std::string items;
  for (const std::int64_t value : values) items += long_integer(value);
  return join({"(", items, "t"});
}

struct TensorClaim {
  std::int64_t storage_count = 2;
  std::int64_t first = 0;
  std::vector<std::int64_t> shape{2};
  std::vector<std::int64_t> strides{1};
};

// The opcodes that rebuild a float tensor over storage "0".
std::string tensor(const TensorClaim& claim = {}) {
  return join({"ctorch._utils\n_rebuild_tensor_v2\n((", text("storage"), "ctorch\nFloatStorage\n", text("0"),
               text("cpu"), long_integer(claim.storage_count), "tQ", long_integer(claim.first),
               tuple_of(claim.shape), tuple_of(claim.strides), "\x89)tR"});
}

std::string dict_of(const std::string& items) {
  return join({"}(", items, "u"});
}
std::string pickle_of(const std::string& value) {
  return join({"\x80\x02", value, "."});
}

class TorchFile : public ::testing::Test {
 protected:
  TensorFile read(std::string_view bytes) {
    write_bytes(path_, bytes);
    return read_tensor_file(path_);
  }
  TensorFile read_pickle(const std::string& value) {
    return read(torch_zip(pickle_of(value), std::string(8, '\0')));
  }
  std::string refuse(std::string_view bytes) {
    write_bytes(path_, bytes);
    return refusal(path_);
  }
  std::string refuse_pickle(const std::string& value) {
    return refuse(torch_zip(pickle_of(value), std::string(8, '\0')));
  }

  TemporaryDirectory directory_;
  std::filesystem::path path_ = directory_.path() / "weights.pth";
};

void expect_fixture(const TensorFile& file) {
  std::vector<std::string> names;
  for (const TensorRecord& record : file.tensors) names.push_back(record.name);
  ASSERT_THAT(names, ElementsAre("transposed", "window", "weight", "half", "count", "empty"));

  const TensorRecord& transposed = *file.find("transposed");
  EXPECT_EQ(transposed.type, ElementType::kFloat32);
  EXPECT_THAT(transposed.shape, ElementsAre(4, 3));
  EXPECT_THAT(transposed.strides, ElementsAre(1, 4));
  EXPECT_FALSE(transposed.contiguous());
  EXPECT_EQ(transposed.bytes.size(), 12 * sizeof(float));
  EXPECT_EQ(element_at<float>(transposed, 11), 11.0F);

  const TensorRecord& window = *file.find("window");
  EXPECT_THAT(window.shape, ElementsAre(2, 2));
  EXPECT_EQ(element_at<float>(window, 0), 5.0F) << "the view's offset is lost";
  EXPECT_EQ(element_at<float>(window, 5), 10.0F);
  EXPECT_EQ(window.bytes.size(), 6 * sizeof(float)) << "bytes must end at the last element";

  EXPECT_EQ(element_at<float>(*file.find("weight"), 1), -2.0F);
  EXPECT_EQ(file.find("half")->type, ElementType::kBFloat16);
  EXPECT_EQ(element_at<std::uint16_t>(*file.find("half"), 1), 0xbf00);
  EXPECT_TRUE(file.find("count")->shape.empty());
  EXPECT_EQ(element_at<std::int64_t>(*file.find("count"), 0), 7);
  EXPECT_EQ(file.find("empty")->element_count(), 0);
  EXPECT_EQ(file.find("nothing"), nullptr);
}

TEST_F(TorchFile, ReadsTheZipFormat) {
  expect_fixture(read(test::from_hex(fixtures::kZip)));
}

TEST_F(TorchFile, ReadsPickleProtocol4) {
  expect_fixture(read(test::from_hex(fixtures::kZipProtocol4)));
}

TEST_F(TorchFile, ReadsTheLegacyStream) {
  expect_fixture(read(test::from_hex(fixtures::kLegacy)));
}

TEST_F(TorchFile, TakesTheStateDictOutOfACheckpointAndDropsDataParallel) {
  const std::string weights = dict_of(text("module.a") + tensor() + text("module.b") + tensor());
  for (const char* wrapper : {"state_dict", "model", "model_state_dict"}) {
    const TensorFile file = read_pickle(dict_of(text("epoch") + "K\x05" + text(wrapper) + weights));
    ASSERT_EQ(file.tensors.size(), 2U) << wrapper;
    EXPECT_EQ(file.tensors[0].name, "a");
    EXPECT_EQ(file.tensors[1].name, "b");
  }
}

TEST_F(TorchFile, KeepsAModulePrefixThatNotAllKeysShare) {
  const TensorFile file = read_pickle(dict_of(text("module.a") + tensor() + text("b") + tensor()));
  EXPECT_NE(file.find("module.a"), nullptr);
}

TEST_F(TorchFile, ReadsOtherOpcodesOfPlainData) {
  const std::string scalars = join({text("float"), "G", std::string(8, '\0'), text("bool"), "I01\n",
                                    text("long"), "L12L\n", text("none"), "N"});
  const std::string containers = join({text("list"),
                                       "](K\x01K\x02"
                                       "e",
                                       text("dict"), "(", text("k"),
                                       "K\x01"
                                       "d"});
  // The inner dict is put into a slot, popped, fetched again and then filled.
  const std::string weights = join({text("state_dict"), "}p300\n0g300\n", text("w"), tensor(), "s"});
  const TensorFile file = read_pickle(dict_of(scalars + containers + weights));
  ASSERT_EQ(file.tensors.size(), 1U);
  EXPECT_EQ(file.tensors[0].name, "w");
}

TEST_F(TorchFile, RefusesWhatAPickleMustNotCall) {
  EXPECT_THAT(refuse_pickle(join({"cos\nsystem\n(", text("true"), "tR"})), HasSubstr("'os.system'"));
  EXPECT_THAT(refuse_pickle("cbuiltins\neval\n"), HasSubstr("'builtins.eval'"));
  EXPECT_THAT(refuse_pickle("ctorchvision.models.resnet\nResNet\n)\x81"),
              HasSubstr("'torchvision.models.resnet.ResNet'"));
  EXPECT_THAT(refuse_pickle(join({"(", text("module"), "ccollections\nOrderedDict\ntQ"})),
              HasSubstr("a whole model"));
}

TEST_F(TorchFile, NamesTheFileAndTheOffset) {
  const std::string message = refuse_pickle("\xfe");
  EXPECT_THAT(message, HasSubstr(path_.string()));
  EXPECT_THAT(message, HasSubstr("opcode 0xfe"));
  // A local header of 30 bytes, the name "weights/data.pkl", the protocol's two bytes.
  EXPECT_THAT(message, HasSubstr("(at byte 48)"));
}

TEST_F(TorchFile, RefusesTensorsThatReachPastTheirStorage) {
  constexpr std::int64_t kHuge = std::numeric_limits<std::int64_t>::max();
  const std::vector<TensorClaim> claims = {
      {.shape = {3}},
      {.first = 1},
      {.first = -1},
      {.first = kHuge},
      {.strides = {2}},
      {.strides = {-1}},
      {.shape = {-1}},
      {.storage_count = 3, .shape = {3}},
      {.storage_count = kHuge, .shape = {kHuge}},
      {.shape = {kHuge, kHuge}, .strides = {1, 1}},
      {.shape = {2, 2}, .strides = {1}},
      {.shape = {2}, .strides = {kHuge}},
  };
  for (std::size_t i = 0; i < claims.size(); ++i) {
    EXPECT_THAT(refuse_pickle(dict_of(text("w") + tensor(claims[i]))), HasSubstr("'w' reaches past")) << i;
  }
}

TEST_F(TorchFile, RefusesWhatIsNoStateDict) {
  EXPECT_THAT(refuse_pickle("K\x01"), HasSubstr("no state_dict"));
  EXPECT_THAT(refuse_pickle(dict_of(text("epoch") + "K\x01" + text("best") + "K\x02")),
              HasSubstr("'epoch', 'best'"));
  EXPECT_THAT(refuse_pickle(dict_of(text("w") + tensor() + text("epoch") + "K\x01")),
              HasSubstr("'epoch' beside the weights is not a tensor"));
  EXPECT_THAT(refuse_pickle(dict_of(text("w") + tensor() + text("w") + tensor())), HasSubstr("twice"));
}

TEST_F(TorchFile, RefusesDamagedPickles) {
  EXPECT_THAT(refuse_pickle("t"), HasSubstr("a mark is missing"));
  EXPECT_THAT(refuse_pickle("0"), HasSubstr("its stack is empty"));
  EXPECT_THAT(refuse_pickle("(R"), HasSubstr("its stack is empty"));
  EXPECT_THAT(refuse_pickle("h\x07"), HasSubstr("memo slot 7"));
  EXPECT_THAT(refuse_pickle("K\x01K\x01s"), HasSubstr("damaged"));
  EXPECT_THAT(refuse_pickle("}K\x01\x61"), HasSubstr("a list is wanted"));
  EXPECT_THAT(refuse(torch_zip("\x80\x09.")), HasSubstr("protocol 9"));
  EXPECT_THAT(refuse(torch_zip("\x80\x02}")), HasSubstr("bytes are wanted"));
}

TEST_F(TorchFile, BoundsTheMemoryOfAHostilePickle) {
  EXPECT_THAT(refuse(torch_zip(std::string(std::size_t{5} << 20, '('))), HasSubstr("far larger"));
  EXPECT_THAT(refuse_pickle(join({"]", std::string(std::size_t{5} << 20, '2')})), HasSubstr("far larger"));
}

TEST_F(TorchFile, SurvivesNestingAndCycles) {
  std::string nested = "]";
  for (int i = 0; i < 200'000; ++i) nested += "\x85";
  EXPECT_THAT(refuse_pickle(nested), HasSubstr("no state_dict"));
  EXPECT_THAT(refuse_pickle("]q\x01h\x01\x61"), HasSubstr("no state_dict"));
}

TEST_F(TorchFile, RefusesOtherZipArchives) {
  EXPECT_THAT(refuse(test::stored_zip({{"readme.txt", "hello"}})),
              HasSubstr("not one that torch.save wrote"));
  EXPECT_THAT(refuse(test::stored_zip({{"net/data.pkl", "}."}, {"net/constants.pkl", "}."}})),
              HasSubstr("TorchScript"));
  EXPECT_THAT(refuse(test::stored_zip({{"w/data.pkl", "}."}, {"w/byteorder", "big"}})),
              HasSubstr("big-endian"));
  EXPECT_THAT(refuse(test::stored_zip({{"w/data.pkl", "}."}}, 8)), HasSubstr("compressed"));
  EXPECT_THAT(refuse(test::stored_zip({{"w/data.pkl", pickle_of(dict_of(text("a") + tensor()))}})),
              HasSubstr("no entry 'w/data/0'"));
}

TEST_F(TorchFile, RefusesABigEndianLegacyStream) {
  std::string bytes = test::from_hex(fixtures::kLegacy);
  const std::size_t flag = bytes.find("little_endian") + 13 + 2;  // the name, then its BINPUT
  ASSERT_EQ(bytes[flag], '\x88');
  bytes[flag] = '\x89';
  EXPECT_THAT(refuse(bytes), HasSubstr("big-endian"));
}

TEST_F(TorchFile, RefusesAPickleOfAnotherProgram) {
  EXPECT_THAT(refuse(pickle_of("}")), HasSubstr("not one that torch.save wrote"));
}

TEST_F(TorchFile, AFileCutAnywhereIsADataError) {
  for (const std::string_view fixture : {fixtures::kZip, fixtures::kLegacy}) {
    const std::string whole = test::from_hex(fixture);
    for (std::size_t size = 0; size < whole.size(); size += 7) {
      EXPECT_FALSE(refuse(std::string_view(whole).substr(0, size)).empty()) << size;
    }
  }
}

// Damage may go unseen (a weight's bit) but never does more than a DataError.
TEST_F(TorchFile, AFlippedByteNeverDoesMoreThanADataError) {
  for (const std::string_view fixture : {fixtures::kZip, fixtures::kLegacy}) {
    const std::string whole = test::from_hex(fixture);
    std::size_t refused = 0;
    for (std::size_t i = 0; i < whole.size(); i += 3) {
      std::string damaged = whole;
      damaged[i] = static_cast<char>(damaged[i] ^ 0xff);
      try {
        (void)read(damaged);
      } catch (const DataError&) {
        ++refused;
      }
    }
    EXPECT_GT(refused, whole.size() / 30);
  }
}

}  // namespace
}  // namespace ft
