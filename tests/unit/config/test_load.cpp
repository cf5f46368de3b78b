#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/base/error.h"
#include "ft/config/load.h"

#include "temporary_directory.h"

namespace ft {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;

class LoadTest : public testing::Test {
 protected:
  Config load(const std::string& yaml, const std::vector<std::string>& overrides = {}) const {
    std::ofstream(file_, std::ios::binary) << yaml;
    return load_config(file_, overrides);
  }

  // The message without the path of the file, then the hint.
  std::vector<std::string> refusal(const std::string& yaml,
                                   const std::vector<std::string>& overrides = {}) const {
    try {
      (void)load(yaml, overrides);
    } catch (const UsageError& error) {
      std::string what = error.what();
      const std::string prefix = file_.string() + ":";
      if (what.starts_with(prefix)) what.erase(0, prefix.size());
      EXPECT_EQ(what.find('\n'), std::string::npos);
      return {what, error.hint()};
    }
    ADD_FAILURE() << "accepted: " << yaml;
    return {"", ""};
  }

  std::string why(const std::string& yaml) const { return refusal(yaml)[0]; }

  TemporaryDirectory dir_;
  fs::path file_ = dir_.path() / "x.yaml";
};

TEST_F(LoadTest, NothingGivenIsTheDefaults) {
  const Config config = load_config(std::nullopt, {});
  EXPECT_EQ(config.train, TrainConfig{});
  EXPECT_EQ(config.optimizer, OptimizerConfig{});
  EXPECT_EQ(config.run.dir, fs::current_path() / "runs/hotdog");
  EXPECT_EQ(load(""), config);
  EXPECT_EQ(load("train:\n  # epochs: 3\n"), config);
}

TEST_F(LoadTest, ReadsEveryKindOfValue) {
  const Config config = load(R"(
run: {seed: 18446744073709551615, device: cpu}
data:
  val: 0.25
  workers: 3
  resize: 80
  resize_mode: shorter
  mean: [0.5, 0.25, 1]
model:
  arch: resnet34
  head_init: {hot dog: 934, "other": "not: this"}
  freeze: [conv1, "layer1"]
  batch_norm: frozen
optimizer: {lr: 1e-3, weight_decay: 1.0e-3, step_epochs: [2, 4], schedule: step}
train:
  channels_last: no
  clip_norm: .5
)");
  EXPECT_EQ(config.run.seed, 18446744073709551615U);
  EXPECT_EQ(config.run.device, DeviceChoice::kCpu);
  EXPECT_EQ(std::get<double>(config.data.val), 0.25);
  EXPECT_EQ(config.data.workers, 3);
  EXPECT_EQ(config.data.resize, 80);
  EXPECT_EQ(config.data.resize_mode, ResizeMode::kShorter);
  EXPECT_EQ(config.data.mean, (ChannelConstants{0.5, 0.25, 1}));
  EXPECT_EQ(config.data.std, DataConfig{}.std);
  EXPECT_EQ(config.model.arch, "resnet34");
  EXPECT_EQ(config.model.head_init, (HeadRows{{"hot dog", "934"}, {"other", "not: this"}}));
  EXPECT_EQ(config.model.freeze, (std::vector<std::string>{"conv1", "layer1"}));
  EXPECT_EQ(config.model.batch_norm, BatchNormMode::kFrozen);
  EXPECT_EQ(config.optimizer.lr, 1e-3);
  EXPECT_EQ(config.optimizer.weight_decay, 1e-3);
  EXPECT_EQ(config.optimizer.step_epochs, (std::vector<int>{2, 4}));
  EXPECT_FALSE(config.train.channels_last);
  EXPECT_EQ(config.train.clip_norm, 0.5);
}

TEST_F(LoadTest, TheWordsForNoValueSpellDefaults) {
  const Config config = load(
      "data: {train: none, test: none, workers: auto, resize: auto, mean: imagenet, std: imagenet}\n"
      "model: {weights: none, head_init: xavier, freeze: []}\ntrain: {threads: auto}\n");
  EXPECT_EQ(config, load_config(std::nullopt, {}));
}

TEST_F(LoadTest, OverridesWinTheLastOneMost) {
  const Config config =
      load("train: {epochs: 7}", {"train.epochs=8", "train.epochs=9", "model.freeze=[conv1, layer1]"});
  EXPECT_EQ(config.train.epochs, 9);
  EXPECT_EQ(config.model.freeze.size(), 2U);
}

TEST_F(LoadTest, RelativePathsBecomeAbsolute) {
  const Config config = load(
      "run: {dir: ./r/../s}\ndata: {train: a b, test: /t, val: v}\nmodel: {weights: w.pth}\n"
      "checkpoint: {resume: runs/old}\n");
  const fs::path here = fs::current_path();
  EXPECT_EQ(config.run.dir, here / "s");
  EXPECT_EQ(config.data.train, here / "a b");
  EXPECT_EQ(config.data.test, "/t");
  EXPECT_EQ(std::get<std::string>(config.data.val), here / "v");
  EXPECT_EQ(config.model.weights, here / "w.pth");
  EXPECT_EQ(config.checkpoint.resume, here / "runs/old");
}

TEST_F(LoadTest, AnUnknownKeyIsPlacedAndTheNearestNamed) {
  const auto error = refusal("train:\n  epochs: 3\n  batchsize: 64\n");
  EXPECT_EQ(error[0], "3:3: train.batchsize: unknown key");
  EXPECT_EQ(error[1], "did you mean train.batch_size?");
  EXPECT_EQ(refusal("train: {lr: 1}")[1], "did you mean optimizer.lr?");
}

TEST_F(LoadTest, AnUnknownSectionIsPlacedAndTheNearestNamed) {
  const auto error = refusal("run: {seed: 1}\ntrian: {epochs: 3}\n");
  EXPECT_EQ(error[0], "2:1: trian: unknown section");
  EXPECT_EQ(error[1], "did you mean train?");
}

TEST_F(LoadTest, AKeyOutsideItsSectionIsSentThere) {
  const auto error = refusal("epochs: 3\n");
  EXPECT_EQ(error[0], "1:1: epochs: not a section");
  EXPECT_EQ(error[1], "did you mean train.epochs?");
}

TEST_F(LoadTest, WrongTypesSayWhatIsExpectedAndWhatIsThere) {
  EXPECT_EQ(why("train:\n  epochs: five\n"), "2:11: train.epochs: expected an integer >= 1, got 'five'");
  EXPECT_EQ(why("train: {epochs: -3}"), "1:17: train.epochs: expected an integer >= 1, got '-3'");
  EXPECT_EQ(why("train: {epochs: 1.5}"), "1:17: train.epochs: expected an integer >= 1, got '1.5'");
  EXPECT_EQ(why("train: {epochs: 99999999999}"),
            "1:17: train.epochs: expected an integer >= 1, got '99999999999'");
  EXPECT_EQ(why("train: {epochs: \"5\"}"),
            "1:17: train.epochs: expected an integer >= 1, got the text '5' in quotes");
  EXPECT_EQ(why("train: {epochs: [5]}"), "1:17: train.epochs: expected an integer >= 1, got a list");
  EXPECT_EQ(why("train: {epochs: {a: 5}}"), "1:17: train.epochs: expected an integer >= 1, got a map");
  EXPECT_EQ(why("train:\n  epochs:\n"), "2:3: train.epochs: expected an integer >= 1, got nothing");
  EXPECT_EQ(why("run: {seed: -1}"), "1:13: run.seed: expected an integer from 0 to 2^64 - 1, got '-1'");
  EXPECT_EQ(why("train: {channels_last: 1}"), "1:24: train.channels_last: expected true or false, got '1'");
  EXPECT_EQ(why("optimizer: {lr: fast}"), "1:17: optimizer.lr: expected a number > 0, got 'fast'");
  EXPECT_EQ(why("optimizer: {lr: .nan}"), "1:17: optimizer.lr: expected a number > 0, got '.nan'");
  EXPECT_EQ(why("optimizer: {lr: nan}"), "1:17: optimizer.lr: expected a number > 0, got 'nan'");
  EXPECT_EQ(why("optimizer: {lr: inf}"), "1:17: optimizer.lr: expected a number > 0, got 'inf'");
  EXPECT_EQ(why("train: {threads: 0}"), "1:18: train.threads: expected auto or an integer >= 1, got '0'");
  EXPECT_EQ(why("run: {dir: }"), "1:7: run.dir: expected a path, got nothing");
  EXPECT_THAT(why("run: {seed: five hundred}"), testing::EndsWith(", got 'five hundred'"));
  EXPECT_EQ(why("run: {dir: [a]}"), "1:12: run.dir: expected a path, got a list");
}

TEST_F(LoadTest, RangesAreChecked) {
  EXPECT_EQ(why("train: {clip_norm: -1}"), "1:20: train.clip_norm: expected a number >= 0, got '-1'");
  EXPECT_EQ(why("train: {label_smoothing: 1}"),
            "1:26: train.label_smoothing: expected a number >= 0 and < 1, got '1'");
  EXPECT_EQ(why("optimizer: {momentum: 1.0}"),
            "1:23: optimizer.momentum: expected a number >= 0 and < 1, got '1.0'");
  EXPECT_EQ(why("optimizer: {lr: 0}"), "1:17: optimizer.lr: expected a number > 0, got '0'");
  EXPECT_EQ(why("data: {val: 1.0}"), "1:13: data.val: expected a number >= 0 and < 1 or a path, got '1.0'");
  EXPECT_EQ(why("dist: {bucket_mib: 2000}"),
            "1:20: dist.bucket_mib: expected an integer from 1 to 1024, got '2000'");
  EXPECT_EQ(why("dist: {elastic: 2000}"),
            "1:17: dist.elastic: expected an integer from 0 to 1024, got '2000'");
}

TEST_F(LoadTest, ARefusedWordSaysWhichAreAllowed) {
  EXPECT_EQ(why("model: {batch_norm: global}"),
            "1:21: model.batch_norm: expected local, sync or frozen, got 'global'");
  EXPECT_EQ(why("dist: {gradient_dtype: fp16}"),
            "1:24: dist.gradient_dtype: expected fp32 or bf16, got 'fp16'");
  EXPECT_EQ(why("eval: {mode: all}"), "1:14: eval.mode: expected rank0 or sharded, got 'all'");
  EXPECT_EQ(why("optimizer: {kind: adam}"), "1:19: optimizer.kind: expected sgd, got 'adam'");
  EXPECT_EQ(why("train: {precision: fp16}"),
            "1:20: train.precision: expected fp32, tf32 or bf16, got 'fp16'");
  EXPECT_EQ(why("model: {arch: vgg}"), "1:15: model.arch: expected resnet18 or resnet34, got 'vgg'");
}

TEST_F(LoadTest, ListsAndMapsAreCheckedInside) {
  EXPECT_EQ(
      why("data: {std: [1, 2]}"),
      "1:13: data.std: expected imagenet or a list of three numbers > 0 such as [0.5, 0.5, 0.5], got a list");
  EXPECT_EQ(why("data: {std: [1, 0, 1]}"), "1:13: data.std: expected a number > 0, got '0'");
  EXPECT_EQ(why("model: {freeze: layer1}"),
            "1:17: model.freeze: expected a list of module names such as [conv1, layer1], got 'layer1'");
  EXPECT_EQ(why("model: {freeze: [a, \"\"]}"), "1:17: model.freeze: expected a module name, got nothing");
  EXPECT_EQ(why("optimizer: {step_epochs: [1, x]}"),
            "1:26: optimizer.step_epochs: expected an integer >= 1, got 'x'");
  EXPECT_THAT(why("model: {head_init: kaiming}"),
              HasSubstr("expected xavier or a map of class: source row or class"));
  EXPECT_THAT(why("model: {head_init: {}}"), HasSubstr("expected xavier or a map"));
  EXPECT_THAT(why("model: {head_init: {bee: [1]}}"), HasSubstr("expected xavier or a map"));
  EXPECT_EQ(why("model: {head_init: {bee: 1, bee: 2}}"), "1:20: model.head_init: class 'bee' is given twice");
}

TEST_F(LoadTest, WhatIsGivenTwiceIsRefused) {
  EXPECT_EQ(why("train:\n  epochs: 3\n  epochs: 4\n"), "3:3: train.epochs: given twice, first in line 2");
  EXPECT_EQ(why("train: {epochs: 3}\nrun: {seed: 1}\ntrain: {keep: 1}\n"),
            "3:1: train: given twice, first in line 1");
}

TEST_F(LoadTest, ASectionMustBeAMap) {
  const auto error = refusal("train: 5\n");
  EXPECT_EQ(error[0], "1:8: train: expected a section with keys, got '5'");
  EXPECT_EQ(error[1], "write train: {key: value}, or one key a line, indented");
  EXPECT_EQ(why("- a\n"), "1:1: expected sections such as `train:`, got a list");
  EXPECT_EQ(why("just words"), "1:1: expected sections such as `train:`, got 'just words'");
  EXPECT_EQ(why("[a, b]: 3"), "1:1: expected a name, got a list");
}

TEST_F(LoadTest, AValueInsideItselfIsRefused) {
  EXPECT_EQ(why("model:\n  freeze: &x [conv1, *x]\n"), "2:11: model.freeze: nested too deeply");
}

// Whatever is in the file, the outcome is a config or one UsageError.
TEST_F(LoadTest, DamagedFilesNeverEndInAnythingButAUsageError) {
  const std::string whole = to_yaml(Config{}) + "\n# \"quoted\": &anchor [1, {a: b}] *anchor\n";
  std::mt19937 random(7);
  int accepted = 0;
  constexpr int kRounds = 300;
  constexpr std::string_view kBytes = ":-[]{}&*!|>'\"%@#?,\n\t ~0\x01\xff";
  for (int round = 0; round < kRounds; ++round) {
    std::string damaged = whole;
    const std::size_t at = random() % damaged.size();
    if (round % 2 == 0) damaged.erase(at, 1 + random() % 5);
    damaged.insert(std::min(at, damaged.size()), 1, kBytes[random() % kBytes.size()]);
    try {
      (void)load(damaged);
      ++accepted;
    } catch (const UsageError& error) {
      EXPECT_FALSE(std::string(error.what()).empty());
    }
  }
  EXPECT_GT(accepted, 0);
  EXPECT_LT(accepted, kRounds);
}

TEST_F(LoadTest, SyntaxErrorsHaveAPosition) {
  EXPECT_THAT(why("train: {epochs: 3\nrun: x"), testing::MatchesRegex("[12]:[0-9]+: .*"));
  EXPECT_THAT(why("train:\n\tepochs: 3\n"), StartsWith("2:"));
  EXPECT_THAT(why("train: *nothing\n"), StartsWith("1:8: "));
  EXPECT_EQ(why("run: {seed: 1}\n---\nrun: {seed: 2}\n"), "3:1: a second document starts here");
}

TEST_F(LoadTest, AFileThatIsNotThereIsAUsageErrorWithItsPath) {
  for (const fs::path& path : {dir_.path() / "missing.yaml", dir_.path()}) {
    try {
      (void)load_config(path, {});
      ADD_FAILURE() << "no error for " << path;
    } catch (const UsageError& error) {
      EXPECT_EQ(error.code(), ExitCode::kUsage);
      EXPECT_THAT(error.what(), HasSubstr(path.string()));
    }
  }
}

TEST_F(LoadTest, ErrorsInOverridesNameTheOverride) {
  EXPECT_EQ(refusal("", {"train.epochs"})[0], "--set train.epochs: expected section.key=value");
  EXPECT_EQ(refusal("", {"train.epochs=x"})[0], "--set train.epochs=x: expected an integer >= 1, got 'x'");
  EXPECT_EQ(refusal("", {"train.epochs="})[0], "--set train.epochs=: expected an integer >= 1, got nothing");
  EXPECT_THAT(refusal("", {"model.freeze=[a"})[0],
              StartsWith("--set model.freeze=[a: the value is not valid YAML: "));
  const auto error = refusal("", {"trian.epoch=3"});
  EXPECT_EQ(error[0], "--set trian.epoch=3: trian.epoch: unknown key");
  EXPECT_EQ(error[1], "did you mean train.epochs?");
}

TEST_F(LoadTest, KeysThatContradictEachOtherAreRefused) {
  EXPECT_EQ(why("train:\n  batch_size: 4\n  accumulate: 8\n"),
            "3:15: train.accumulate: a batch of 4 cannot be cut into 8 parts");
  EXPECT_EQ(refusal("", {"train.accumulate=129"})[0],
            "--set train.accumulate=129: train.accumulate: a batch of 128 cannot be cut into 129 parts");
  EXPECT_EQ(why("optimizer: {step_epochs: [3, 3]}"), "1:26: optimizer.step_epochs: the epochs must ascend");
  EXPECT_EQ(why("optimizer: {schedule: step}"), "1:23: optimizer.schedule: step needs optimizer.step_epochs");
  EXPECT_EQ(why("dist: {backend: nccl}\nrun: {device: cpu}"),
            "1:17: dist.backend: nccl needs GPUs, but run.device is cpu");
}

TEST_F(LoadTest, WhatElasticPartsCannotBeJoinedWithIsRefused) {
  EXPECT_EQ(why("dist: {elastic: 8}\ntrain: {batch_size: 4}\n"),
            "1:17: dist.elastic: a batch of 4 cannot be cut into 8 parts");
  EXPECT_EQ(why("dist: {elastic: 8}\ntrain: {accumulate: 2}\n"),
            "2:21: train.accumulate: 2 does not go together with dist.elastic: 8");
  EXPECT_EQ(why("dist: {elastic: 8}\nmodel: {batch_norm: sync}\n"),
            "2:21: model.batch_norm: sync does not go together with dist.elastic: 8");
  EXPECT_EQ(why("dist: {elastic: 8}\ntrain: {precision: tf32}\n"),
            "2:20: train.precision: tf32 does not go together with dist.elastic: 8");
  EXPECT_EQ(load_config(std::nullopt, {"dist.elastic=8", "train.precision=bf16"}).dist.elastic, 8);
  EXPECT_EQ(load_config(std::nullopt, {"dist.elastic=8", "train.batch_size=8", "data.image_size=32"})
                .train.batch_size,
            8)
      << "such parts are normalised by running statistics";
}

TEST(Load, APlaceForLocalCopiesMayBeginWithAVariable) {
  EXPECT_EQ(load_config(std::nullopt, {"data.stage=$TMPDIR/ft"}).data.stage, "$TMPDIR/ft");
  EXPECT_EQ(load_config(std::nullopt, {"data.stage=ft"}).data.stage,
            (std::filesystem::current_path() / "ft").string());
  EXPECT_EQ(load_config(std::nullopt, {"data.stage=none"}).data.stage, "");
}

}  // namespace
}  // namespace ft
