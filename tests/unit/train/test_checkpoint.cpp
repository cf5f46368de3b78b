#include <fstream>

#include <gtest/gtest.h>

#include "ft/base/atomic_write.h"
#include "ft/base/error.h"
#include "ft/train/checkpoint.h"
#include "ft/train/run_directory.h"
#include "ft/train/run_lock.h"
#include "ft/train/run_recorder.h"

#include "temporary_directory.h"

namespace ft {
namespace {

namespace fs = std::filesystem;

Checkpoint some_checkpoint(std::uint64_t step) {
  static const ResNet model = make_resnet("resnet18", 2);
  Checkpoint checkpoint;
  checkpoint.position.step = step;
  checkpoint.position.epoch_loss_sum = 1.0 / 3;
  checkpoint.facts = {{"data", "abc"}};
  checkpoint.config_yaml = "run:\n  seed: 1\n";
  checkpoint.model = {{"fc.weight", torch::arange(6, torch::kFloat32).view({2, 3}), true}};
  checkpoint.velocity = {{"fc.weight", torch::ones({2, 3}), true}};
  checkpoint.statistics = {RunningStatistics::of(model), RunningStatistics::of(model)};
  return checkpoint;
}

void flip_a_byte(const fs::path& file) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekg(-1, std::ios::end);
  const char byte = static_cast<char>(stream.get() ^ 1);
  stream.seekp(-1, std::ios::end);
  stream.put(byte);
}

class Checkpoints : public ::testing::Test {
 protected:
  void save(std::uint64_t step, std::uint32_t incarnation) {
    save_checkpoint(folder_, {step, incarnation}, some_checkpoint(step), {});
  }
  TemporaryDirectory directory_;
  fs::path folder_ = directory_.path();
};

TEST_F(Checkpoints, ComeBackAsTheyWere) {
  save(120, 3);
  const fs::path directory = folder_ / "step-00000120-i0003";
  ASSERT_EQ(verify_checkpoint(directory), std::nullopt);
  const Checkpoint loaded = load_checkpoint(directory), saved = some_checkpoint(120);
  EXPECT_EQ(loaded.position.step, 120U);
  EXPECT_EQ(loaded.position.epoch_loss_sum, saved.position.epoch_loss_sum) << "to the bit";
  EXPECT_EQ(loaded.config_yaml, saved.config_yaml);
  EXPECT_TRUE(torch::equal(loaded.model.at(0).tensor, saved.model.at(0).tensor));
  EXPECT_TRUE(torch::equal(loaded.velocity.at(0).tensor, saved.velocity.at(0).tensor));
  ASSERT_EQ(loaded.statistics.size(), 2U);
  EXPECT_EQ(loaded.statistics[1].values(), saved.statistics[1].values());
}

TEST_F(Checkpoints, TheNewestThatVerifiesIsFoundAndTheOthersAreNamed) {
  EXPECT_EQ(find_checkpoint(folder_), std::nullopt);
  save(10, 1);
  save(20, 1);
  save(15, 2);
  EXPECT_EQ(find_checkpoint(folder_)->name.step, 15U) << "a later incarnation is newer, whatever its step";
  flip_a_byte(folder_ / "step-00000015-i0002" / "model.safetensors");
  const auto found = find_checkpoint(folder_);
  EXPECT_EQ(found->name.step, 20U);
  ASSERT_EQ(found->skipped.size(), 1U);
  EXPECT_EQ(found->skipped[0], "skipped checkpoint step-00000015-i0002: model.safetensors: hash differs");
  fs::remove(folder_ / "step-00000020-i0001" / "hashes.json");
  fs::remove(folder_ / "step-00000010-i0001" / "state.json");
  EXPECT_THROW((void)find_checkpoint(folder_), DataError) << "state that cannot be read is not 'no state'";
}

TEST_F(Checkpoints, PruningTouchesOnlyOwnAndOlderIncarnations) {
  save(1, 1);
  save(2, 1);
  save(3, 2);
  save(9, 3);
  fs::create_directory(folder_ / "step-00000004-i0001.tmp");
  prune_checkpoints(folder_, 2, 2);
  std::vector<std::string> left;
  for (const auto& name : list_checkpoints(folder_)) left.push_back(name.to_string());
  EXPECT_EQ(left,
            (std::vector<std::string>{"step-00000009-i0003", "step-00000003-i0002", "step-00000002-i0001"}));
  EXPECT_FALSE(fs::exists(folder_ / "step-00000004-i0001.tmp"));
}

TEST(CheckpointName, OnlyItsOwnFormParses) {
  EXPECT_EQ(CheckpointName::parse("step-00000120-i0003")->incarnation, 3U);
  for (const char* text : {"latest", "step-00000120-i0003.tmp", "step--i1", "step-1-iX", ""}) {
    EXPECT_EQ(CheckpointName::parse(text), std::nullopt) << text;
  }
}

TEST(RunDirectory, KnowsItsOwnNamesFromForeignOnes) {
  const TemporaryDirectory temporary;
  const RunDirectory run(temporary.path() / "run");
  EXPECT_TRUE(run.foreign_entries().empty());
  run.create();
  write_file_atomically(run.config(), "run:\n  dir: somewhere  # a user's own\n");
  EXPECT_EQ(run.foreign_entries(), (std::vector<std::string>{"config.yaml"}));
  write_file_atomically(run.config(), std::string(kResolvedConfigHeader) + "run:\n");
  write_file_atomically(run.root() / "slurm-12.out", "");
  EXPECT_TRUE(run.foreign_entries().empty());
  EXPECT_FALSE(run.holds_run());
  write_file_atomically(run.metrics(), "");
  EXPECT_TRUE(run.holds_run());
  write_file_atomically(run.root() / "thesis.tex", "");
  EXPECT_EQ(run.foreign_entries(), (std::vector<std::string>{"thesis.tex"}));
}

TEST(RunLock, OneAtATimeAndReleasedWithItsObject) {
  const TemporaryDirectory temporary;
  const fs::path file = temporary.path() / "metrics.jsonl";
  {
    const RunLock first(file);
    EXPECT_THROW(RunLock second(file), UsageError);
  }
  EXPECT_NO_THROW(RunLock third(file));
}

TEST(ClosingLines, AreTheFourOfTheContract) {
  TrainingPosition position;
  position.epoch_loss_sum = 17.7;
  position.epoch_correct = 93;
  position.epoch_count = 100;
  position.samples = 1000;
  position.train_seconds = 2;
  position.wall_seconds = 4;
  Evaluation test;
  test.confusion = ConfusionMatrix(2);
  for (int i = 0; i < 800; ++i) test.confusion.add(0, i < 754 ? 0 : 1);
  EXPECT_EQ(closing_lines(position, &test, 8, "cuda"),
            (std::vector<std::string>{
                "test acc 0.943 (95% 0.924-0.957, 754 of 800)", "end to end 250.0 examples/sec, 4.0 s",
                "loss 0.177, train acc 0.930, test acc 0.943", "500.0 examples/sec on 8 ranks (cuda)"}));
}

}  // namespace
}  // namespace ft
