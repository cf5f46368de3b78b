// Counting right answers over a packed set, each sample exactly once.
#pragma once

#include <functional>
#include <vector>

#include <torch/torch.h>

#include "ft/comm/communicator.h"
#include "ft/config/config.h"
#include "ft/data/loader.h"
#include "ft/data/packed_set.h"
#include "ft/model/resnet.h"
#include "ft/report/accuracy.h"

namespace ft {

struct Evaluation {
  ConfusionMatrix confusion{1};
  double loss = 0;  // mean cross-entropy per image, no label smoothing
  double seconds = 0;

  [[nodiscard]] std::uint64_t correct() const noexcept { return confusion.correct(); }
  [[nodiscard]] std::uint64_t count() const noexcept { return confusion.total(); }
  [[nodiscard]] double accuracy() const noexcept;
};

struct EvaluatorOptions {
  torch::Device device = torch::kCPU;
  int batch_size = 64;
  int workers = 1;
  bool channels_last = true;
  TransformOptions transform;
};

// Note [Evaluation is fp32]: whatever `train.precision` is, so that the counts are those that Python gets
// from the exported weights.
//
// `ids`: which samples (a validation split); all of the set when null. `on_progress(done)` after each batch.
// Leaves the model in evaluation mode. Throws DataError for a sample that does not verify.
[[nodiscard]] Evaluation evaluate(ResNet& model, const PackedSet& set, const std::vector<std::uint64_t>* ids,
                                  const EvaluatorOptions& options,
                                  const std::function<void(std::uint64_t)>& on_progress);

// The same by all ranks of `host`, each with its own device: a rank takes whole batches of those that one
// rank alone would make, and losses are added in the batches' order. So counts and loss are, to the last bit,
// those of evaluate(), and every rank gets them. Collective; `on_progress(done, of)` tells of this rank's
// images. What fails on one rank is thrown on all.
[[nodiscard]] Evaluation evaluate_together(
    ResNet& model, const PackedSet& set, const std::vector<std::uint64_t>* ids,
    const EvaluatorOptions& options, Communicator& host,
    const std::function<void(std::uint64_t, std::uint64_t)>& on_progress);

}  // namespace ft
