// What one rank has to work with: how it talks to the others, where it computes, how many threads it may use.
#pragma once

#include <memory>
#include <vector>

#include <torch/torch.h>

#include "ft/comm/communicator.h"
#include "ft/comm/liveness/activity.h"
#include "ft/comm/topology.h"
#include "ft/config/config.h"
#include "ft/report/log.h"

namespace ft {

// Threads that share this rank's cores; see docs/decisions.md, "One budget of cores".
struct ThreadBudget {
  int compute = 1;       // torch's intra-op threads while training
  int workers = 1;       // loader threads while training
  int eval_compute = 1;  // while rank 0 evaluates and the others of its node sleep
  int eval_workers = 1;
};

[[nodiscard]] ThreadBudget make_thread_budget(const Config& config, const RankPlace& place, bool on_cpu);

// Borrows the communicators and the log: main owns them and outlives this.
struct RankContext {
  Communicator* host;       // set-up, flags and counts
  Communicator* gradients;  // the hot path; the same object as `host` on CPUs
  torch::Device device = torch::kCPU;
  std::vector<RankPlace> places;
  ThreadBudget threads;
  Log log;
  std::shared_ptr<Activity> activity = std::make_shared<Activity>();  // what the watchdog tells of

  [[nodiscard]] int rank() const noexcept { return host->rank(); }
  [[nodiscard]] int world_size() const noexcept { return host->world_size(); }
  [[nodiscard]] bool is_root() const noexcept { return rank() == 0; }
  [[nodiscard]] const RankPlace& place() const { return places[static_cast<std::size_t>(rank())]; }
};

}  // namespace ft
