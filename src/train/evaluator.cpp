#include "ft/train/evaluator.h"

#include <algorithm>
#include <numeric>

#include "ft/base/error.h"
#include "ft/base/stopwatch.h"
#include "ft/comm/agreement.h"
#include "ft/data/step_plan.h"
#include "ft/train/autocast.h"
#include "ft/train/batch_feed.h"

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
  prepare_for(options.device, loader);
  return loader;
}

// Adds one batch to the counts and gives its summed loss.
double count_batch(ResNet& model, BatchFeed& feed, const FedBatch& batch, ConfusionMatrix& confusion) {
  const torch::Tensor logits = model->forward(batch.images);
  const auto sum = torch::nn::functional::CrossEntropyFuncOptions().reduction(torch::kSum);
  const torch::Tensor summed = torch::nn::functional::cross_entropy(logits, batch.labels, sum);
  feed.prefetch();
  const auto loss = summed.item<double>();
  const torch::Tensor predicted = logits.argmax(1).to(torch::kCPU);
  const torch::Tensor truth = batch.labels.to(torch::kCPU);
  for (std::int64_t i = 0; i < truth.numel(); ++i) {
    confusion.add(static_cast<std::size_t>(truth.data_ptr<std::int64_t>()[i]),
                  static_cast<std::size_t>(predicted.data_ptr<std::int64_t>()[i]));
  }
  return loss;
}

// What came of some of an evaluation's batches.
struct Counted {
  ConfusionMatrix confusion{1};
  std::vector<double> losses;  // the sum over each batch
};

std::vector<std::uint64_t> order_of(const PackedSet& set, const std::vector<std::uint64_t>* ids) {
  if (ids != nullptr) return *ids;
  std::vector<std::uint64_t> order(set.size());
  std::iota(order.begin(), order.end(), 0);
  return order;
}

Counted count_all(ResNet& model, const PackedSet& set, std::vector<std::uint64_t> order,
                  const EvaluatorOptions& options, const std::function<void(std::uint64_t)>& on_progress) {
  const torch::InferenceMode inference;
  const PlainFp32 plain;
  model->eval();
  const LoaderOptions loading = loader_options(options);
  Loader loader(set, loading, batches_of(std::move(order), loading.max_batch));
  const auto feed = make_batch_feed(source_of(loader), loading, torch::kFloat32, options.device);
  Counted result{.confusion = ConfusionMatrix(set.classes().size()), .losses = {}};
  std::uint64_t done = 0;
  while (const auto batch = feed->next()) {
    result.losses.push_back(count_batch(model, *feed, *batch, result.confusion));
    done += batch->size();
    on_progress(done);
  }
  return result;
}

// Each rank adds its numbers to zeros, so that no sum is rounded.
Counted add_up(const Counted& mine, std::size_t first_batch, std::size_t batches, Communicator& host) {
  const auto& rows = mine.confusion.counts();
  std::vector<double> numbers(batches + rows.size() * rows.size());
  std::ranges::copy(mine.losses, numbers.begin() + static_cast<std::ptrdiff_t>(first_batch));
  auto at = numbers.begin() + static_cast<std::ptrdiff_t>(batches);
  for (const auto& row : rows) {
    at = std::ranges::transform(row, at, [](std::uint64_t count) { return static_cast<double>(count); }).out;
  }
  host.all_reduce_host(numbers, ReduceOp::kSum, "adding up the evaluation");

  Counted all{.confusion = ConfusionMatrix(rows.size()), .losses = {}};
  all.losses.assign(numbers.begin(), numbers.begin() + static_cast<std::ptrdiff_t>(batches));
  for (std::size_t cell = 0; cell < rows.size() * rows.size(); ++cell) {
    const auto count = static_cast<std::uint64_t>(numbers[batches + cell]);
    all.confusion.add(cell / rows.size(), cell % rows.size(), count);
  }
  return all;
}

Evaluation make_evaluation(Counted counted, std::uint64_t expected, const Stopwatch& watch) {
  Evaluation result;
  result.confusion = std::move(counted.confusion);
  if (result.count() != expected)
    throw Error(ExitCode::kBug, "evaluation did not see each sample exactly once");
  const double loss = std::accumulate(counted.losses.begin(), counted.losses.end(), 0.0);
  result.loss = expected == 0 ? 0 : loss / static_cast<double>(expected);
  result.seconds = watch.seconds();
  return result;
}

}  // namespace

double Evaluation::accuracy() const noexcept {
  return count() == 0 ? 0 : static_cast<double>(correct()) / static_cast<double>(count());
}

Evaluation evaluate(ResNet& model, const PackedSet& set, const std::vector<std::uint64_t>* ids,
                    const EvaluatorOptions& options, const std::function<void(std::uint64_t)>& on_progress) {
  const Stopwatch watch;
  std::vector<std::uint64_t> order = order_of(set, ids);
  const std::uint64_t expected = order.size();
  Counted counted = count_all(model, set, std::move(order), options, on_progress);
  return make_evaluation(std::move(counted), expected, watch);
}

Evaluation evaluate_together(ResNet& model, const PackedSet& set, const std::vector<std::uint64_t>* ids,
                             const EvaluatorOptions& options, Communicator& host,
                             const std::function<void(std::uint64_t, std::uint64_t)>& on_progress) {
  const Stopwatch watch;
  const std::vector<std::uint64_t> order = order_of(set, ids);
  const auto batch_size = static_cast<std::size_t>(options.batch_size);
  const std::size_t batches = (order.size() + batch_size - 1) / batch_size;
  const Share mine = share_of(batches, static_cast<std::uint32_t>(host.rank()),
                              static_cast<std::uint32_t>(host.world_size()));
  const std::size_t first = std::min(order.size(), mine.first * batch_size);
  const std::size_t last = std::min(order.size(), (mine.first + mine.count) * batch_size);
  Counted counted;
  agree(host, "evaluation", [&] {
    std::vector<std::uint64_t> own(order.begin() + static_cast<std::ptrdiff_t>(first),
                                   order.begin() + static_cast<std::ptrdiff_t>(last));
    const std::uint64_t of = own.size();
    counted =
        count_all(model, set, std::move(own), options, [&](std::uint64_t done) { on_progress(done, of); });
  });
  return make_evaluation(add_up(counted, mine.first, batches, host), order.size(), watch);
}

}  // namespace ft
