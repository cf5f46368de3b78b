#include <gtest/gtest.h>

#include "ft/base/error.h"
#include "ft/model/state_dict.h"

#include "temporary_directory.h"

namespace ft {
namespace {

std::vector<NamedTensor> small_state() {
  return {{"weight", torch::tensor({1.0F, 2.0F, 3.0F, 4.0F}).reshape({2, 2}), true},
          {"count", torch::tensor(std::int64_t{7}), false}};
}

TEST(StateDict, Sha256IsOverTheRawBytesInOrder) {
  // hashlib.sha256(struct.pack("<4f", 1, 2, 3, 4) + struct.pack("<q", 7))
  EXPECT_EQ(weights_sha256(small_state(), false),
            "96cf46f5c2896c551635b44caefb9bd8fa37ca21d20e7bb754f9ccdf5a303e2d");
  EXPECT_EQ(weights_sha256(small_state(), true),
            "ad73b9acd6e4a74b2f5bb5386658ce3bb146cd040a1867646ab3b973fb6632b1");
}

TEST(StateDict, Sha256IsBlindToTheMemoryFormat) {
  const torch::Tensor image = torch::arange(2 * 3 * 4 * 5, torch::kFloat32).reshape({2, 3, 4, 5});
  const torch::Tensor channels_last = image.contiguous(torch::MemoryFormat::ChannelsLast);
  EXPECT_EQ(weights_sha256({{"w", image, true}}, false), weights_sha256({{"w", channels_last, true}}, false));
}

TEST(StateDict, SavesAndLoadsEveryTypeAndLayout) {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "w.safetensors";
  const torch::Tensor image = torch::rand({2, 3, 4, 5});
  std::vector<NamedTensor> saved = {{"image", image.contiguous(torch::MemoryFormat::ChannelsLast), true},
                                    {"transposed", torch::rand({3, 4}).t(), false},
                                    {"scalar", torch::tensor(std::int64_t{-5}), false},
                                    {"empty", torch::empty({0, 3}), false}};
  for (const auto type : {torch::kFloat16, torch::kBFloat16, torch::kFloat64, torch::kInt8, torch::kInt16,
                          torch::kInt32, torch::kUInt8, torch::kBool}) {
    saved.push_back({c10::toString(type), torch::tensor({0.0F, 1.0F, 1.0F}).to(type), false});
  }
  save_state_dict(path, saved, {{"arch", "resnet18"}});

  const TensorFile file = read_tensor_file(path);
  EXPECT_EQ(file.metadata.at("arch"), "resnet18");
  ASSERT_EQ(file.tensors.size(), saved.size());
  for (const NamedTensor& entry : saved) {
    const torch::Tensor loaded = to_torch(*file.find(entry.name));
    EXPECT_EQ(loaded.scalar_type(), entry.tensor.scalar_type()) << entry.name;
    EXPECT_TRUE(torch::equal(loaded, entry.tensor)) << entry.name;
  }
}

TEST(StateDict, ResolvesStrides) {
  const std::array<float, 6> storage{0, 1, 2, 3, 4, 5};
  const TensorRecord record{.name = "w",
                            .type = ElementType::kFloat32,
                            .shape = {3, 2},
                            .strides = {1, 3},
                            .bytes = std::as_bytes(std::span(storage))};
  EXPECT_TRUE(torch::equal(to_torch(record), torch::arange(6, torch::kFloat32).reshape({2, 3}).t()));
}

TEST(StateDict, ToTorchCopies) {
  std::array<float, 2> storage{1, 2};
  const TensorRecord record{.name = "w",
                            .type = ElementType::kFloat32,
                            .shape = {2},
                            .strides = {1},
                            .bytes = std::as_bytes(std::span(storage))};
  const torch::Tensor tensor = to_torch(record);
  storage[0] = 9;
  EXPECT_EQ(tensor[0].item<float>(), 1.0F);
}

TEST(StateDict, RefusesATypeThatFilesDoNotHold) {
  const TemporaryDirectory directory;
  const std::vector<NamedTensor> complex = {{"w", torch::zeros({2}, torch::kComplexFloat), true}};
  EXPECT_THROW(save_state_dict(directory.path() / "w.safetensors", complex, {}), Error);
}

}  // namespace
}  // namespace ft
