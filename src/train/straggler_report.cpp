#include "ft/train/straggler_report.h"

#include <string>
#include <vector>

#include <fmt/format.h>

#include "ft/base/error.h"

namespace ft {
namespace {

std::string to_text(const RankPace& pace) {
  return fmt::format("{} {}", pace.seconds, pace.images);
}

RankPace from_text(const std::string& text) {
  RankPace pace;
  std::size_t end = 0;
  pace.seconds = std::stod(text, &end);
  pace.images = std::stoull(text.substr(end));
  return pace;
}

}  // namespace

void StragglerReport::after_step(const StepShare& mine) {
  if (context_->world_size() == 1) return;
  pace_.seconds += mine.times.data_s + mine.times.compute_s + mine.times.optimizer_s;
  pace_.images += mine.count;
  if (++steps_ % kStretch != 0) return;
  const auto texts = context_->host->gather(to_text(pace_), 0, "comparing the ranks' speed");
  pace_ = {};
  if (!context_->is_root()) return;
  std::vector<RankPace> stretch;
  stretch.reserve(texts.size());
  for (const auto& text : texts) stretch.push_back(from_text(text));
  for (const auto& slow : watch_.judge(stretch)) {
    context_->log->warn(
        "rank {} on {} holds up the others: {:.1f} times the median rank's time an image, over "
        "{} steps (a busy host, a slower device, or slow data?)",
        slow.rank, context_->places[static_cast<std::size_t>(slow.rank)].host, slow.times_slower, kStretch);
  }
}

}  // namespace ft
