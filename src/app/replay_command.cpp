// `ft_dist replay`: the exact input of one step, for comparing with another implementation.
#include <numeric>

#include <fmt/format.h>

#include "ft/base/error.h"
#include "ft/comm/agreement.h"
#include "ft/model/formats/safetensors.h"
#include "ft/train/run_plan.h"

#include "commands.h"

namespace ft::app {
namespace {

void write_batch(const Session& session, const RunPlan& plan) {
  const std::uint64_t step = session.line.step;
  if (step < 1 || step > plan.total_steps) {
    throw UsageError(fmt::format("--step {}: the run has the steps 1 to {}", step, plan.total_steps));
  }
  const BatchRequest request{plan.steps.position_of(step).epoch, plan.steps.batch(step)};
  LoaderOptions options = training_loader_options(session.config);
  options.format = {PixelType::kFloat32, PixelLayout::kNchw};
  const auto count = request.sample_ids.size();
  const auto side = static_cast<std::size_t>(session.config.data.image_size);
  std::vector<float> images(count * 3 * side * side);
  std::vector<std::int64_t> labels(count), ids(request.sample_ids.begin(), request.sample_ids.end());
  load_samples(*plan.train, options, request, std::as_writable_bytes(std::span(images)), labels);

  const auto n = static_cast<std::int64_t>(count), s = static_cast<std::int64_t>(side);
  const std::vector<TensorToWrite> tensors{
      {"images", ElementType::kFloat32, {n, 3, s, s}, std::as_bytes(std::span(images))},
      {"labels", ElementType::kInt64, {n}, std::as_bytes(std::span(labels))},
      {"sample_ids", ElementType::kInt64, {n}, std::as_bytes(std::span(ids))}};
  write_safetensors(session.line.out, tensors,
                    {{"step", std::to_string(step)}, {"epoch", std::to_string(request.epoch)}});
}

}  // namespace

int replay_command(Session& session) {
  agree(*session.host, "replaying", [&] {
    if (!session.context.is_root()) return;
    const RunPlan plan = make_run_plan(session.config, 1);
    write_batch(session, plan);
    session.log->info("wrote the batch of step {} to {}", session.line.step, session.line.out.string());
  });
  return 0;
}

}  // namespace ft::app
