// What a step does: the optimizer and the training loop.
#include "keys.h"
#include "section.h"
#include "value_types.h"

namespace ft {

void add_optimizer_keys(std::vector<KeySpec>& keys) {
  Section section("optimizer", &Config::optimizer, keys);
  section.add("kind", &OptimizerConfig::kind, word_of({"sgd"}), OnResume::kMustMatch, "The update rule.");
  section.add("lr", &OptimizerConfig::lr, Number{.min = 0, .min_excluded = true}, OnResume::kMustMatch,
              "Learning rate of everything but the head. With `loss_reduction: sum` it acts on a sum over "
              "the batch.");
  section.add("head_lr_factor", &OptimizerConfig::head_lr_factor, Number{}, OnResume::kMustMatch,
              "The head learns this many times faster.");
  section.add("weight_decay", &OptimizerConfig::weight_decay, Number{}, OnResume::kMustMatch,
              "L2 penalty, added to the gradients of all parameters.");
  section.add("momentum", &OptimizerConfig::momentum, fraction(), OnResume::kMustMatch,
              "Momentum as in torch.optim.SGD, without dampening.");
  section.add(
      "loss_reduction", &OptimizerConfig::loss_reduction,
      Choice<LossReduction>{{{"sum", LossReduction::kSum}, {"mean", LossReduction::kMean}}},
      OnResume::kMustMatch,
      "Gradients of the sum or of the mean of the loss over the global batch; reported losses are means.");
  section.add(
      "schedule", &OptimizerConfig::schedule,
      Choice<ScheduleKind>{{{"constant", ScheduleKind::kConstant},
                            {"cosine", ScheduleKind::kCosine},
                            {"step", ScheduleKind::kStep}}},
      OnResume::kMustMatch,
      "`cosine` falls to 0 at the end of the last epoch; `step` multiplies by `step_factor` at each of "
      "`step_epochs`.");
  section.add("warmup_steps", &OptimizerConfig::warmup_steps, Integer{}, OnResume::kMustMatch,
              "The learning rate rises linearly over this many steps.");
  section.add("step_epochs", &OptimizerConfig::step_epochs,
              ListOf<Integer>{.each = {.min = 1}, .items = "integers", .example = "[30, 60, 90]"},
              OnResume::kMustMatch,
              "Numbers of finished epochs after which `schedule: step` steps, ascending.");
  section.add("step_factor", &OptimizerConfig::step_factor, Number{.min = 0, .min_excluded = true},
              OnResume::kMustMatch, "What the learning rate is multiplied by there.");
}

void add_train_keys(std::vector<KeySpec>& keys) {
  Section section("train", &Config::train, keys);
  section.add("epochs", &TrainConfig::epochs, Integer{.min = 1}, OnResume::kFreeIfConstant,
              "Passes over the training set.");
  section.add("max_steps", &TrainConfig::max_steps, Integer{}, OnResume::kFree,
              "Stop after this many steps, schedules unchanged; 0: no limit.");
  section.add("batch_size", &TrainConfig::batch_size, Integer{.min = 1}, OnResume::kMustMatch,
              "Images in a step, over all ranks.");
  section.add(
      "accumulate", &TrainConfig::accumulate, Integer{.min = 1}, OnResume::kMustMatch,
      "Cut each rank's share (with `batch_norm: sync` the batch, before it is shared out) into this many "
      "parts that run one after the other, to save memory; the batch stays the same.");
  section.add(
      "precision", &TrainConfig::precision,
      Choice<Precision>{{{"fp32", Precision::kFp32}, {"tf32", Precision::kTf32}, {"bf16", Precision::kBf16}}},
      OnResume::kMustMatch,
      "`fp32`: exact, TF32 off; `tf32`: TF32 on (GPUs); `bf16`: autocast, weights stay fp32.");
  section.add("channels_last", &TrainConfig::channels_last, Boolean{}, OnResume::kMustMatch,
              "Memory format of images and convolutions; files never depend on it.");
  section.add("clip_norm", &TrainConfig::clip_norm, Number{}, OnResume::kMustMatch,
              "Scale the gradients down to this L2 norm over all parameters; 0: off.");
  section.add("label_smoothing", &TrainConfig::label_smoothing, fraction(), OnResume::kMustMatch,
              "As in torch.nn.CrossEntropyLoss.");
  section.add("threads", &TrainConfig::threads, OrAuto<Integer>{{.min = 1}}, OnResume::kFree,
              "Computing threads of each rank; `auto` shares out the cores that the rank may use, or is 1 "
              "with `dist.elastic`.");
  section.add(
      "overfit", &TrainConfig::overfit, Integer{}, OnResume::kMustMatch,
      "Train on this many samples only, to see whether the model can learn them by heart; 0: on all.");
  section.add("deterministic", &TrainConfig::deterministic, Boolean{}, OnResume::kMustMatch,
              "Deterministic algorithms only, at some cost in speed.");
}

}  // namespace ft
