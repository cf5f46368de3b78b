#include <string>

#include "ft/base/error.h"
#include "ft/comm/bucket_layout.h"

namespace ft {

BucketTracker::BucketTracker(const BucketLayout& layout) : layout_(&layout) {
  std::size_t parameters = 0;
  for (const auto& bucket : layout.buckets) parameters += bucket.segments.size();
  bucket_of_.resize(parameters);
  for (std::size_t b = 0; b < layout.buckets.size(); ++b) {
    for (const auto& segment : layout.buckets[b].segments) bucket_of_.at(segment.parameter) = b;
  }
  reset();
}

void BucketTracker::reset() {
  launched_ = 0;
  ready_.assign(bucket_of_.size(), false);
  pending_.clear();
  for (const auto& bucket : layout_->buckets) pending_.push_back(bucket.segments.size());
}

std::size_t BucketTracker::mark_ready(std::size_t parameter) {
  if (parameter >= ready_.size()) {
    throw Error(ExitCode::kBug, "parameter " + std::to_string(parameter) + " is in no gradient bucket");
  }
  if (ready_[parameter]) {
    throw Error(ExitCode::kBug, "the gradient of parameter " + std::to_string(parameter) +
                                    " came twice in one backward pass");
  }
  ready_[parameter] = true;
  --pending_[bucket_of_[parameter]];

  const std::size_t before = launched_;
  while (launched_ < pending_.size() && pending_[launched_] == 0) ++launched_;
  return launched_ - before;
}

bool BucketTracker::all_launched() const noexcept {
  return launched_ == pending_.size();
}

std::vector<std::size_t> BucketTracker::missing() const {
  std::vector<std::size_t> parameters;
  for (std::size_t p = 0; p < ready_.size(); ++p) {
    if (!ready_[p]) parameters.push_back(p);
  }
  return parameters;
}

}  // namespace ft
