#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/base/error.h"
#include "ft/base/hash.h"
#include "ft/model/pretrained.h"
#include "ft/model/state_dict.h"

#include "temporary_directory.h"

namespace ft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::uint64_t kSourceSeed = 1;
constexpr std::uint64_t kSeed = 2;
const std::vector<std::string> kOurClasses = {"ant", "bee"};

ResNet small_model(std::int64_t classes) {
  return ResNet(std::vector<std::int64_t>{1, 1, 1, 1}, classes);
}

// A source with a head of four rows; what is tested is what is read back from its file.
class Pretrained : public ::testing::Test {
 protected:
  Pretrained() { init_from_scratch(source_, kSourceSeed); }

  void save(const std::map<std::string, std::string>& metadata = {}) { save_as(path_, metadata); }
  void save_as(const std::filesystem::path& path, const std::map<std::string, std::string>& metadata = {}) {
    std::filesystem::create_directories(path.parent_path());
    save_state_dict(path, entries_, metadata);
  }
  PretrainedReport load(const HeadRows& head_init = {},
                        const std::vector<std::string>& classes = kOurClasses) {
    config_.head_init = head_init;
    model_ = small_model(std::ssize(classes));
    return load_pretrained(model_, config_, classes, kSeed);
  }
  template <typename Kind>
  std::string refusal(const HeadRows& head_init = {}) {
    try {
      load(head_init);
    } catch (const Kind& error) {
      return std::string(error.what()) + " | " + error.hint();
    }
    ADD_FAILURE() << "nothing was refused";
    return {};
  }
  NamedTensor& entry(const std::string& name) {
    return *std::ranges::find(entries_, name, &NamedTensor::name);
  }
  void erase(const std::string& prefix) {
    std::erase_if(entries_, [&](const NamedTensor& item) { return item.name.starts_with(prefix); });
  }
  void expect_body_of_source() {
    const auto loaded = state_dict(*model_);
    const auto source = state_dict(*source_);
    for (std::size_t i = 0; i + 2 < loaded.size(); ++i) {
      EXPECT_TRUE(torch::equal(loaded[i].tensor, source[i].tensor)) << loaded[i].name;
    }
  }
  // The head that init_head draws for our classes.
  torch::Tensor fresh_head_weight() {
    ResNet fresh = small_model(std::ssize(kOurClasses));
    init_head(fresh, kSeed);
    return fresh->fc->weight.detach();
  }

  TemporaryDirectory directory_;
  std::filesystem::path path_ = directory_.path() / "source.safetensors";
  ResNet source_ = small_model(4);
  std::vector<NamedTensor> entries_ = state_dict(*source_);
  ModelConfig config_{.arch = "resnet10", .weights = path_.string(), .head_init = {}, .freeze = {}};
  ResNet model_{nullptr};
};

TEST_F(Pretrained, CopiesAllButTheHeadAndDrawsThat) {
  save();
  const PretrainedReport report = load();
  expect_body_of_source();
  EXPECT_TRUE(torch::equal(model_->fc->weight, fresh_head_weight()));
  EXPECT_TRUE(model_->fc->bias.eq(0).all().item<bool>());
  EXPECT_TRUE(model_->fc->weight.requires_grad());
  EXPECT_FALSE(report.head_copied);
  EXPECT_EQ(report.file, path_);
  EXPECT_EQ(report.fingerprint, xxh3_128_of_file(path_));
  EXPECT_EQ(report.source_head_rows, 4);
  EXPECT_THAT(report.source_classes, IsEmpty());
  EXPECT_THAT(report.rows_copied, IsEmpty());
}

TEST_F(Pretrained, CopiesTheHeadWholeWhenTheClassesAreOurs) {
  save({{"classes", R"(["a","b","c","d"])"}});
  const PretrainedReport report = load({}, {"a", "b", "c", "d"});
  EXPECT_TRUE(report.head_copied);
  EXPECT_TRUE(torch::equal(model_->fc->weight, source_->fc->weight));
  EXPECT_TRUE(torch::equal(model_->fc->bias, source_->fc->bias));
  EXPECT_FALSE(load({}, {"a", "b", "c", "e"}).head_copied);
}

TEST_F(Pretrained, CopiesRowsByNumberAndByName) {
  save({{"classes", R"(["w","x","honey bee","z"])"}});
  PretrainedReport report = load({{"bee", "honey bee"}});
  EXPECT_THAT(report.rows_copied, ElementsAre("bee <- row 2 (honey bee)"));
  EXPECT_TRUE(torch::equal(model_->fc->weight[1], source_->fc->weight[2]));
  EXPECT_TRUE(torch::equal(model_->fc->bias[1], source_->fc->bias[2]));
  EXPECT_TRUE(torch::equal(model_->fc->weight[0], fresh_head_weight()[0])) << "the rest stays Xavier";

  report = load({{"bee", "0"}, {"ant", "3"}});
  EXPECT_THAT(report.rows_copied, ElementsAre("ant <- row 3 (z)", "bee <- row 0 (w)"));
  EXPECT_TRUE(torch::equal(model_->fc->weight[0], source_->fc->weight[3]));
}

TEST_F(Pretrained, AMapKeepsTheHeadFromBeingCopiedWhole) {
  save({{"classes", R"(["a","b","c","d"])"}});
  EXPECT_FALSE(load({{"a", "1"}}, {"a", "b", "c", "d"}).head_copied);
}

TEST_F(Pretrained, TakesClassNamesFromTheListBesideTheFile) {
  save();
  std::ofstream(directory_.path() / "classes.txt") << "n01\r\nn02\r\nn03\r\nn04\r\n\n";
  EXPECT_THAT(load().source_classes, ElementsAre("n01", "n02", "n03", "n04"));
  std::ofstream(directory_.path() / "classes.txt") << "of\nsomething\nelse\n";
  EXPECT_THAT(load().source_classes, IsEmpty());
}

TEST_F(Pretrained, RefusesABadHeadMap) {
  save();
  EXPECT_THAT(refusal<UsageError>({{"wasp", "1"}}),
              HasSubstr("'wasp' is not a class of the training set | its classes are ant, bee"));
  EXPECT_THAT(refusal<UsageError>({{"bee", "4"}}),
              HasSubstr("bee: 4: the source has no such row | its head has rows 0 to 3"));
  EXPECT_THAT(refusal<UsageError>({{"bee", "-1"}}),
              HasSubstr("bee: -1: the source has no class of this name"));
  EXPECT_THAT(refusal<UsageError>({{"bee", "n02206856"}}), HasSubstr("does not name its classes"));
  save({{"classes", R"(["w","x","y","z"])"}});
  EXPECT_THAT(refusal<UsageError>({{"bee", "n02206856"}}), HasSubstr("its classes are w, x, y, z"));
  erase("fc.");
  save();
  EXPECT_THAT(refusal<UsageError>({{"bee", "0"}}), HasSubstr("no head"));
}

TEST_F(Pretrained, RefusesMetadataThatContradictsTheHead) {
  save({{"classes", R"(["a"])"}});
  EXPECT_THAT(refusal<DataError>(), HasSubstr("names 1 classes, but the head has 4 rows"));
  save({{"classes", "a, b"}});
  EXPECT_THAT(refusal<DataError>(), HasSubstr("not a JSON array"));
}

TEST_F(Pretrained, ListsMissingExtraAndMisshapenKeysInOneLine) {
  erase("layer3.0.bn2.");
  entry("layer1.0.conv1.weight").tensor = torch::zeros({64, 64, 1, 1});
  entry("bn1.weight").tensor = torch::zeros({64}, torch::kInt32);
  entries_.push_back({"aux.weight", torch::zeros({1}), true});
  save();
  const std::string message = refusal<DataError>();
  EXPECT_THAT(message, HasSubstr(path_.string()));
  EXPECT_THAT(message, HasSubstr("4 missing (layer3.0.bn2.weight, layer3.0.bn2.bias, "
                                 "layer3.0.bn2.running_mean, layer3.0.bn2.running_var)"));
  EXPECT_THAT(message, HasSubstr("1 extra (aux.weight)"));
  EXPECT_THAT(message, HasSubstr("2 misshapen (bn1.weight is I32[64], not [64], "
                                 "layer1.0.conv1.weight is [64,64,1,1], not [64,64,3,3])"));
  EXPECT_EQ(message.find('\n'), std::string::npos);
}

TEST_F(Pretrained, BoundsTheListAndNamesTheArchitecture) {
  entries_ = state_dict(*make_resnet("resnet18", 4));
  save();
  const std::string message = refusal<DataError>();
  EXPECT_THAT(message, HasSubstr("48 extra (layer1.1.conv1.weight, "));
  EXPECT_THAT(message, HasSubstr("and 44 more)"));
  EXPECT_THAT(message, HasSubstr("they look like resnet18; see model.arch"));
}

TEST_F(Pretrained, KnowsOtherFamiliesByTheirKeys) {
  entries_ = {{"features.0.weight", torch::zeros({1}), true}};
  save();
  EXPECT_THAT(refusal<DataError>(), HasSubstr("a VGG or AlexNet"));
  entries_.clear();
  for (const char* name : {"1.0", "1.1", "1.2", "2.0", "2.1", "2.2", "2.3", "3.0", "3.1", "3.2", "3.3", "3.4",
                           "3.5", "4.0", "4.1", "4.2"}) {
    entries_.push_back({std::string("layer") + name + ".conv1.weight", torch::zeros({1}), true});
  }
  entries_.push_back({"layer1.0.conv3.weight", torch::zeros({1}), true});
  save();
  EXPECT_THAT(refusal<DataError>(), HasSubstr("they look like resnet50"));
}

TEST_F(Pretrained, RefusesAHeadOfOtherFeatures) {
  entry("fc.weight").tensor = torch::zeros({4, 2048});
  save();
  EXPECT_THAT(refusal<DataError>(), HasSubstr("fc.weight is [4,2048]"));
}

TEST_F(Pretrained, TakesASourceWithoutHeadAndWithAnotherKindOfHead) {
  erase("fc.");
  save();
  EXPECT_EQ(load().source_head_rows, 0);
  expect_body_of_source();
  entries_.push_back({"fc.0.weight", torch::zeros({4, 512}), true});
  save();
  EXPECT_EQ(load().source_head_rows, 0);
}

TEST_F(Pretrained, TakesASourceOlderThanNumBatchesTracked) {
  std::erase_if(entries_,
                [](const NamedTensor& item) { return item.name.ends_with(".num_batches_tracked"); });
  save();
  load();
  expect_body_of_source();
}

TEST_F(Pretrained, ConvertsOtherFloatingTypes) {
  for (NamedTensor& item : entries_) {
    if (item.tensor.is_floating_point()) item.tensor = item.tensor.detach().to(torch::kBFloat16);
  }
  save();
  load();
  EXPECT_EQ(model_->conv1->weight.scalar_type(), torch::kFloat32);
  EXPECT_TRUE(
      torch::equal(model_->conv1->weight, source_->conv1->weight.to(torch::kBFloat16).to(torch::kFloat32)));
}

TEST_F(Pretrained, FindsTheWeightsInRunAndCheckpointDirectories) {
  const auto run = directory_.path() / "run";
  config_.weights = run.string();
  save_as(run / "checkpoints" / "step-00000200-i0001" / "model.safetensors");
  save_as(run / "checkpoints" / "step-00000120-i0003" / "model.safetensors");
  std::filesystem::create_directories(run / "checkpoints" / "step-00000999-i0009.tmp");
  EXPECT_EQ(load().file, run / "checkpoints" / "step-00000120-i0003" / "model.safetensors");
  save_as(run / "best.safetensors");
  EXPECT_EQ(load().file, run / "best.safetensors");
  save_as(run / "final.safetensors");
  EXPECT_EQ(load().file, run / "final.safetensors");
  config_.weights = (run / "checkpoints" / "step-00000200-i0001").string();
  EXPECT_EQ(load().file, run / "checkpoints" / "step-00000200-i0001" / "model.safetensors");
  config_.weights = (run / "checkpoints" / "nothing-here").string();
  std::filesystem::create_directories(config_.weights);
  EXPECT_THAT(refusal<DataError>(), HasSubstr("no weights in this directory"));
  config_.weights = (run / "gone.pth").string();
  EXPECT_THAT(refusal<DataError>(), HasSubstr("gone.pth"));
}

TEST_F(Pretrained, LeavesTheModelAloneWhenItRefuses) {
  save();
  ResNet model = small_model(2);
  const std::string before = weights_sha256(state_dict(*model), false);
  config_.head_init = {{"bee", "99"}};
  EXPECT_THROW(load_pretrained(model, config_, kOurClasses, kSeed), UsageError);
  EXPECT_EQ(weights_sha256(state_dict(*model), false), before);
}

}  // namespace
}  // namespace ft
