#include "ft/train/rank_context.h"

#include <algorithm>

namespace ft {

ThreadBudget make_thread_budget(const Config& config, const RankPlace& place, bool on_cpu) {
  ThreadBudget threads;
  // A GPU's host threads feed it; more than a few only contend with the decoders.
  constexpr int kHostThreadsOfGpu = 4;
  int compute = on_cpu ? place.core_budget : std::min(kHostThreadsOfGpu, place.core_budget);
  if (config.dist.elastic > 0) compute = 1;  // the number decides the last digits, and the world's may change
  threads.compute = config.train.threads.value_or(compute);
  // On the CPU a core trains a few tens of images a second and decodes hundreds: one worker in four is
  // plenty.
  const int cores_a_worker = on_cpu ? 4 : 1;
  threads.workers = config.data.workers.value_or(std::max(1, place.core_budget / cores_a_worker));

  const int cores = static_cast<int>(place.cores.size());
  threads.eval_compute = on_cpu ? std::clamp(threads.compute * place.local_size, 1, cores) : threads.compute;
  threads.eval_workers = std::clamp(threads.workers * place.local_size, 1, cores);
  return threads;
}

}  // namespace ft
