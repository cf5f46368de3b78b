#include "ft/train/elastic_statistics.h"

#include "ft/comm/fixed_point.h"

#include "fixed_point_tensors.h"

namespace ft {
namespace {

struct TrainedNorm {
  std::string name;
  torch::nn::BatchNorm2dImpl* module;
};

std::vector<TrainedNorm> norms_that_train(ResNet& model) {
  std::vector<TrainedNorm> norms;
  for (const auto& item : model->named_modules("", /*include_self=*/false)) {
    auto* norm = item.value()->as<torch::nn::BatchNorm2d>();
    if (norm != nullptr && norm->is_training()) norms.push_back({item.key(), norm});
  }
  return norms;
}

}  // namespace

ElasticStatistics::ElasticStatistics(ResNet& model, Communicator& communicator, int parts)
    : communicator_(&communicator), limit_(fixed_point_limit(parts)) {
  const torch::NoGradGuard no_grad;
  const std::vector<TrainedNorm> norms = norms_that_train(model);
  std::int64_t total = 0;
  for (const TrainedNorm& norm : norms) total += 2 * norm.module->running_mean.numel();

  const auto on_device = torch::TensorOptions().device(model->parameters().front().device());
  values_ = torch::zeros({total}, on_device.dtype(torch::kFloat32));
  counts_ = torch::zeros({static_cast<std::int64_t>(norms.size())}, on_device.dtype(torch::kInt64));
  std::int64_t offset = 0;
  for (std::size_t i = 0; i < norms.size(); ++i) {
    torch::nn::BatchNorm2dImpl& norm = *norms[i].module;
    for (auto* buffer : {&norm.running_mean, &norm.running_var}) {
      adopt(norms[i].name + (buffer == &norm.running_mean ? ".running_mean" : ".running_var"), *buffer,
            values_, offset);
      offset += buffer->numel();
    }
    const torch::Tensor count = counts_.select(0, static_cast<std::int64_t>(i));
    count.copy_(norm.num_batches_tracked);
    norm.num_batches_tracked.set_data(count);
  }
  start_ = values_.clone();
  scratch_ = values_.clone();
  start_counts_ = counts_.clone();
  sums_ = torch::zeros_like(values_, torch::kInt64);
  beyond_ = torch::zeros({1}, on_device.dtype(torch::kBool));
}

void ElasticStatistics::adopt(const std::string& name, torch::Tensor& buffer, const torch::Tensor& flat,
                              std::int64_t offset) {
  const torch::Tensor view = flat.narrow(0, offset, buffer.numel());
  view.copy_(buffer);
  buffer.set_data(view);
  places_.push_back({name, offset, buffer.numel()});
}

void ElasticStatistics::begin_step() {
  const torch::NoGradGuard no_grad;
  start_.copy_(values_);
  start_counts_.copy_(counts_);
  begun_ = false;
}

void ElasticStatistics::begin_part() {
  const torch::NoGradGuard no_grad;
  values_.copy_(start_);
}

void ElasticStatistics::end_part() {
  const torch::NoGradGuard no_grad;
  scratch_.copy_(values_);  // backward may still look at the model's own
  add_to_sums(scratch_, sums_, beyond_, limit_, begun_ ? SumTerm::kNext : SumTerm::kFirst);
  begun_ = true;
}

void ElasticStatistics::start_sum() {
  const torch::NoGradGuard no_grad;
  const bool nothing_trains = sums_.numel() == 0;
  if (in_flight_ || nothing_trains) return;
  if (!begun_) sums_.zero_();
  in_flight_ =
      communicator_->start_all_reduce(sums_.data_ptr<std::int64_t>(), static_cast<std::size_t>(sums_.numel()),
                                      ElementKind::kInt64, ReduceOp::kSum);
}

void ElasticStatistics::finish(std::uint64_t parts) {
  const torch::NoGradGuard no_grad;
  if (!in_flight_) return;
  in_flight_->wait(deadline_after(communicator_->timeout()), "all-reduce of BatchNorm statistics");
  in_flight_.reset();
  counts_.copy_(start_counts_);
  if (parts == 0) {
    values_.copy_(start_);
    return;
  }
  // In double precision, whose roundings here are the same everywhere.
  values_.copy_(sums_.to(torch::kFloat64).mul_(0x1p-40).div_(static_cast<double>(parts)));
  counts_.add_(1);
}

std::string ElasticStatistics::trouble() const {
  if (!beyond_.item<bool>()) return {};
  for (const Place& place : places_) {
    const torch::Tensor left = scratch_.narrow(0, place.offset, place.length);
    if (left.ne(0).any().item<bool>()) return describe_beyond(place.name, left, limit_);
  }
  return "BatchNorm statistics cannot be added";
}

}  // namespace ft
