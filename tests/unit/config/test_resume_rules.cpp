#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/config/load.h"

namespace ft {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Config with(const std::vector<std::string>& overrides) {
  return load_config(std::nullopt, overrides);
}

std::vector<std::string> differences(const std::vector<std::string>& saved,
                                     const std::vector<std::string>& now) {
  const Config a = with(saved);
  const Config b = with(now);
  const auto result = differences_that_matter(a, b);
  EXPECT_EQ(result.empty(), config_fingerprint(a) == config_fingerprint(b));
  return result;
}

TEST(ResumeRules, WhatChangesAStepMustMatch) {
  EXPECT_THAT(differences({}, {"train.batch_size=64"}), ElementsAre("train.batch_size: 128 there, 64 here"));
  for (const std::string change :
       {"run.seed=1", "data.augment=none", "data.image_size=64", "data.mean=[0, 0, 0]", "data.val=0.1",
        "data.shuffle=shard", "model.freeze=[conv1]", "model.head_init={a: 1}", "optimizer.lr=1",
        "train.accumulate=2", "train.precision=bf16", "train.channels_last=false", "train.clip_norm=1",
        "train.label_smoothing=0.1", "train.overfit=5", "train.deterministic=true", "dist.bucket_mib=1",
        "dist.elastic=4"}) {
    EXPECT_THAT(differences({}, {change}), testing::SizeIs(1)) << change;
  }
}

TEST(ResumeRules, WhereAndHowFastIsFree) {
  EXPECT_THAT(
      differences({}, {"run.dir=elsewhere", "run.device=cpu", "data.train=moved", "data.test=moved",
                       "data.stage=/dev/shm", "data.workers=7", "train.max_steps=3", "train.threads=2",
                       "dist.backend=mpi", "dist.timeout_s=1", "dist.peer_timeout_s=1", "dist.interface=lo",
                       "eval.every_epochs=2", "checkpoint.keep=1", "log.every_steps=1"}),
      IsEmpty());
}

TEST(ResumeRules, EpochsAreFreeOnlyWhileTheScheduleIsConstant) {
  EXPECT_THAT(differences({}, {"train.epochs=9"}), IsEmpty());
  const std::string cosine = "optimizer.schedule=cosine";
  EXPECT_THAT(differences({cosine}, {cosine, "train.epochs=9"}),
              ElementsAre("train.epochs: 5 there, 9 here"));
}

TEST(ResumeRules, AValidationSetMayMoveButAFractionMayNotChange) {
  EXPECT_THAT(differences({"data.val=a"}, {"data.val=b"}), IsEmpty());
  EXPECT_THAT(differences({"data.val=0.1"}, {"data.val=0.2"}), ElementsAre("data.val: 0.1 there, 0.2 here"));
  EXPECT_THAT(differences({"data.val=0.1"}, {"data.val=/b"}), ElementsAre("data.val: 0.1 there, /b here"));
}

TEST(ResumeRules, RanksMustAgreeOnEverything) {
  EXPECT_THAT(all_differences(with({}), with({"log.every_steps=3", "train.threads=2"})),
              ElementsAre("train.threads: auto in the first, 2 in the second",
                          "log.every_steps: 10 in the first, 3 in the second"));
}

// Changing this value makes every older checkpoint refuse to resume: do it on purpose only.
TEST(ResumeRules, TheFingerprintOfTheDefaultsIsStable) {
  EXPECT_EQ(config_fingerprint(Config{}), "939b937270dc28dbb23870d8bd305d47");
}

}  // namespace
}  // namespace ft
