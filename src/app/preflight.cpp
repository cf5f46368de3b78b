#include "preflight.h"

#include <torch/torch.h>

namespace ft::app {
namespace {

constexpr std::int64_t kMiB = 1 << 20;

AllReduceSpeed measure_all_reduce(Session& session, std::int64_t bytes, Seconds budget) {
  const auto options = torch::TensorOptions().dtype(torch::kFloat32).device(session.context.device);
  torch::Tensor zeros = torch::zeros({bytes / static_cast<std::int64_t>(sizeof(float))}, options);
  return probe_all_reduce(*session.context.gradients, zeros.data_ptr(),
                          static_cast<std::size_t>(zeros.numel()), budget);
}

}  // namespace

Preflight quick_preflight(Session& session) {
  Preflight found;
  if (session.context.world_size() == 1) return found;
  found.all_reduce = measure_all_reduce(session, kMiB, Seconds(0.04));
  found.clocks = compare_clocks(*session.host, 2);
  return found;
}

Preflight thorough_preflight(Session& session) {
  Preflight found;
  if (session.context.world_size() == 1) return found;
  found.all_reduce = measure_all_reduce(session, kMiB, Seconds(0.1));
  // More only where a slow network does not make minutes of it.
  if (found.all_reduce.seconds * 16 < 0.1) {
    found.all_reduce = measure_all_reduce(session, 16 * kMiB, Seconds(0.3));
  }
  found.links = probe_links(*session.host, session.context.places, Seconds(0.5));
  found.clocks = compare_clocks(*session.host, 10);
  return found;
}

void note_preflight(Session& session, const Preflight& found) {
  session.links = describe_all_reduce(found.all_reduce);
  const std::string clocks = describe_clocks(found.clocks);
  if (!clocks.empty()) session.links += ", " + clocks;
  const auto warnings = preflight_warnings(found, session.context.places);
  session.warnings.insert(session.warnings.end(), warnings.begin(), warnings.end());
}

}  // namespace ft::app
