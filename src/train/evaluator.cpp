#include "ft/train/evaluator.h"

#include <algorithm>
#include <numeric>

#include "ft/base/error.h"
#include "ft/base/stopwatch.h"
#include "ft/train/autocast.h"
#include "ft/train/batch_tensor.h"

namespace ft {
namespace {

Loader::Source batches_of(std::vector<std::uint64_t> ids, std::size_t batch_size) {
  return [ids = std::move(ids), batch_size, at = std::size_t{0}](BatchRequest& request) mutable {
    if (at == ids.size()) return false;
    const auto part = std::span(ids).subspan(at, std::min(batch_size, ids.size() - at));
    request.sample_ids.assign(part.begin(), part.end());
    at += part.size();
    return true;
  };
}

LoaderOptions loader_options(const EvaluatorOptions& options) {
  LoaderOptions loader;
  loader.workers = options.workers;
  loader.max_batch = static_cast<std::size_t>(options.batch_size);
  loader.augment = false;
  loader.format = {PixelType::kFloat32, options.channels_last ? PixelLayout::kNhwc : PixelLayout::kNchw};
  loader.transform = options.transform;
  return loader;
}

// Adds one batch to the counts and gives its summed loss.
double count_batch(ResNet& model, const BatchTensors& batch, ConfusionMatrix& confusion) {
  const torch::Tensor logits = model->forward(batch.images);
  const auto sum = torch::nn::functional::CrossEntropyFuncOptions().reduction(torch::kSum);
  const double loss = torch::nn::functional::cross_entropy(logits, batch.labels, sum).item<double>();
  const torch::Tensor predicted = logits.argmax(1).to(torch::kCPU);
  const torch::Tensor truth = batch.labels.to(torch::kCPU);
  for (std::int64_t i = 0; i < truth.numel(); ++i) {
    confusion.add(static_cast<std::size_t>(truth.data_ptr<std::int64_t>()[i]),
                  static_cast<std::size_t>(predicted.data_ptr<std::int64_t>()[i]));
  }
  return loss;
}

}  // namespace

double Evaluation::accuracy() const noexcept {
  return count() == 0 ? 0 : static_cast<double>(correct()) / static_cast<double>(count());
}

Evaluation evaluate(ResNet& model, const PackedSet& set, const std::vector<std::uint64_t>* ids,
                    const EvaluatorOptions& options, const std::function<void(std::uint64_t)>& on_progress) {
  const Stopwatch watch;
  const torch::InferenceMode inference;
  const PlainFp32 plain;
  model->eval();
  std::vector<std::uint64_t> order;
  if (ids != nullptr) {
    order = *ids;
  } else {
    order.resize(set.size());
    std::iota(order.begin(), order.end(), 0);
  }
  const std::uint64_t expected = order.size();

  const LoaderOptions loading = loader_options(options);
  Loader loader(set, loading, batches_of(std::move(order), loading.max_batch));
  Evaluation result;
  result.confusion = ConfusionMatrix(set.classes().size());
  double loss = 0;
  while (const auto batch = loader.next()) {
    loss += count_batch(
        model, to_tensors(*batch, options.transform.image_size, loading.format.layout, options.device),
        result.confusion);
    on_progress(result.count());
  }
  if (result.count() != expected)
    throw Error(ExitCode::kBug, "evaluation did not see each sample exactly once");
  result.loss = expected == 0 ? 0 : loss / static_cast<double>(expected);
  result.seconds = watch.seconds();
  return result;
}

}  // namespace ft
