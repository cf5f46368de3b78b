#include "ft/train/batch_norm_statistics.h"

#include <cmath>
#include <cstring>

#include "ft/base/error.h"

namespace ft {

RunningStatistics RunningStatistics::of(const ResNet& model) {
  RunningStatistics result;
  for (const auto& buffer : model->buffers()) {
    const torch::Tensor values = buffer.to(torch::kCPU, torch::kFloat64).contiguous();
    const double* data = values.data_ptr<double>();
    result.values_.insert(result.values_.end(), data, data + values.numel());
  }
  return result;
}

void RunningStatistics::apply_to(ResNet& model) const {
  const torch::NoGradGuard no_grad;
  std::size_t at = 0;
  for (auto& buffer : model->buffers()) {
    const auto count = static_cast<std::size_t>(buffer.numel());
    if (at + count > values_.size()) throw DataError("saved BatchNorm statistics are of another model");
    torch::Tensor values = torch::empty({buffer.numel()}, torch::kFloat64);
    std::memcpy(values.data_ptr<double>(), values_.data() + at, count * sizeof(double));
    // Counts are whole numbers also after averaging.
    if (!buffer.is_floating_point()) values.round_();
    buffer.copy_(values.view(buffer.sizes()));
    at += count;
  }
  if (at != values_.size()) throw DataError("saved BatchNorm statistics are of another model");
}

RunningStatistics RunningStatistics::averaged(Communicator& communicator, int ranks) const {
  RunningStatistics result = *this;
  if (communicator.world_size() == 1) return result;
  if (communicator.rank() >= ranks) result.values_.assign(result.values_.size(), 0);
  communicator.all_reduce_host(result.values_, ReduceOp::kSum, "averaging BatchNorm statistics");
  for (double& value : result.values_) value /= ranks;
  return result;
}

RunningStatistics RunningStatistics::mean_of(std::span<const RunningStatistics> ranks) {
  RunningStatistics result;
  result.values_.assign(ranks.front().values_.size(), 0);
  for (const RunningStatistics& rank : ranks) {
    if (rank.values_.size() != result.values_.size())
      throw DataError("saved BatchNorm statistics differ in length");
    for (std::size_t i = 0; i < result.values_.size(); ++i) result.values_[i] += rank.values_[i];
  }
  for (double& value : result.values_) value /= static_cast<double>(ranks.size());
  return result;
}

std::string RunningStatistics::to_bytes() const {
  return {reinterpret_cast<const char*>(values_.data()), values_.size() * sizeof(double)};
}

RunningStatistics RunningStatistics::from_bytes(std::string_view bytes) {
  if (bytes.size() % sizeof(double) != 0) throw DataError("saved BatchNorm statistics are cut short");
  RunningStatistics result;
  result.values_.resize(bytes.size() / sizeof(double));
  std::memcpy(result.values_.data(), bytes.data(), bytes.size());
  return result;
}

BorrowedStatistics::BorrowedStatistics(ResNet& model, const RunningStatistics& statistics)
    : model_(&model), own_(RunningStatistics::of(model)) {
  statistics.apply_to(model);
}

BorrowedStatistics::~BorrowedStatistics() {
  own_.apply_to(*model_);
}

}  // namespace ft
