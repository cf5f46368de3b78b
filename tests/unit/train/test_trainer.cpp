// How a run ends in its own records. Whole trainings are in tests/mpi/ and tests/fault/.
#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/comm/backends.h"
#include "ft/config/load.h"
#include "ft/train/run_plan.h"
#include "ft/train/trainer.h"

#include "temporary_directory.h"
#include "tiny_packed_set.h"

namespace ft {
namespace {

using testing::HasSubstr;
using testing::Not;

// A run of its own directory, on one rank, over four pictures.
class TrainerTest : public testing::Test {
 protected:
  TrainerTest() {
    TinyPackedSet set;
    for (int i = 0; i < 4; ++i) {
      RgbImage image(40, 40);
      std::ranges::fill(image.pixels(), static_cast<std::uint8_t>(60 * i));
      set.add_raw(image, i % 2);
    }
    const auto data = directory_.path() / "set";
    std::filesystem::create_directory(data);
    set.write(data);
    config_ = load_config(std::nullopt, {"run.dir=" + run_.root().string(), "data.train=" + data.string(),
                                         "data.test=none", "data.image_size=33", "data.workers=1",
                                         "train.batch_size=2", "train.max_steps=3", "log.tensorboard=false"});
    run_.create();
    plan_.emplace(make_run_plan(config_, 1));
    context_.host = context_.gradients = alone_.get();
    context_.places = gather_topology(*alone_, "cpu");
    context_.log = make_log(1);  // says nothing
    prepared_ = prepare_model(config_, plan_->classes(), torch::kCPU, nullptr);
  }

  std::unique_ptr<Trainer> make_trainer(TrainingStart start = {}) {
    start.facts = nlohmann::ordered_json::object();
    return std::make_unique<Trainer>(config_, *plan_, context_, prepared_, run_, std::move(start));
  }
  // The last line of metrics.jsonl.
  [[nodiscard]] nlohmann::ordered_json last_record() const { return read_metrics(run_.metrics()).back(); }

  TemporaryDirectory directory_;
  RunDirectory run_{directory_.path() / "run"};
  Config config_;
  std::optional<RunPlan> plan_;
  std::unique_ptr<Communicator> alone_ = make_single_communicator();
  RankContext context_{};
  PreparedModel prepared_;
  StopSignals signals_{"rank 0 on n0", [](int) {}};
};

TEST_F(TrainerTest, RecordsItsEnd) {
  EXPECT_EQ(make_trainer()->run(signals_).exit, ExitCode::kDone);
  const auto end = last_record();
  EXPECT_EQ(end.at("type"), "end");
  EXPECT_EQ(end.at("exit"), 0);
  EXPECT_EQ(end.at("step"), 3);
}

TEST_F(TrainerTest, RecordsTheEndByAnErrorThatIsNotOurs) {
  const auto trainer = make_trainer();
  {
    const torch::NoGradGuard no_grad;
    prepared_.model->fc->weight.set_data(torch::zeros({2, 3}));  // no product of the forward pass fits it
  }
  EXPECT_THROW((void)trainer->run(signals_), c10::Error);
  const auto end = last_record();
  EXPECT_EQ(end.at("type"), "end");
  EXPECT_EQ(end.at("exit"), 1);
  EXPECT_EQ(end.at("step"), 0);
  EXPECT_THAT(end.at("reason").get<std::string>(), HasSubstr("shapes"));
  EXPECT_THAT(end.at("reason").get<std::string>(), Not(HasSubstr("\n"))) << "the stack is for standard error";
}

TEST_F(TrainerTest, SavesWhatItTookOverFromAnotherRun) {
  Checkpoint checkpoint;
  checkpoint.position.step = plan_->target_step;
  checkpoint.position.epoch_count = 2;
  checkpoint.model = state_dict(*prepared_.model);
  checkpoint.statistics = {RunningStatistics::of(prepared_.model)};
  for (const bool own : {true, false}) {
    TrainingStart start;
    start.checkpoint = &checkpoint;
    start.own_checkpoint = own;
    EXPECT_EQ(make_trainer(start)->run(signals_).exit, ExitCode::kDone);
    EXPECT_TRUE(std::filesystem::exists(run_.final_weights()));
    EXPECT_EQ(list_checkpoints(run_.checkpoints()).size(), own ? 0U : 1U);
  }
}

}  // namespace
}  // namespace ft
