#include "ft/train/stage_data.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <exception>
#include <filesystem>
#include <thread>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "ft/base/error.h"
#include "ft/comm/agreement.h"
#include "ft/data/stage.h"
#include "ft/report/progress.h"

namespace ft {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::string_view kWhat = "copying the data to local storage";

// The paths in a config that this node reads much from, to be pointed at copies. An unset one is left out.
std::vector<std::string*> paths_to_stage(Config& config, const RankContext& context) {
  DataConfig& data = config.data;
  std::vector<std::string*> paths;
  if (!data.train.empty()) paths.push_back(&data.train);
  const bool evaluates =
      config.eval.mode == EvalMode::kSharded || context.place().host == context.places.front().host;
  if (!evaluates) return paths;
  if (!data.test.empty()) paths.push_back(&data.test);
  if (auto* val = std::get_if<std::string>(&data.val)) paths.push_back(val);
  return paths;
}

std::vector<std::filesystem::path> as_paths(const std::vector<std::string*>& texts) {
  std::vector<std::filesystem::path> paths;
  for (const std::string* text : texts) paths.emplace_back(*text);
  return paths;
}

// A copy on a thread of its own, so that this rank can go on telling the others that it is alive.
class StagingThread {
 public:
  StagingThread(std::vector<std::filesystem::path> sets, std::filesystem::path root)
      : thread_([this, sets = std::move(sets), root = std::move(root)] {
          try {
            outcome_ = stage_sets(sets, root, [this](std::uint64_t done, std::uint64_t total) {
              bytes_done_ = done;
              bytes_total_ = total;
            });
          } catch (...) {
            failure_ = std::current_exception();
          }
          finished_ = true;
        }) {}

  [[nodiscard]] bool finished() const noexcept { return finished_; }
  [[nodiscard]] std::uint64_t bytes_done() const noexcept { return bytes_done_; }
  [[nodiscard]] std::uint64_t bytes_total() const noexcept { return bytes_total_; }
  // Once finished; rethrows what went wrong.
  [[nodiscard]] const StageOutcome& outcome() const {
    if (failure_) std::rethrow_exception(failure_);
    return outcome_;
  }

 private:
  std::atomic<bool> finished_{false};
  std::atomic<std::uint64_t> bytes_done_{0}, bytes_total_{0};
  StageOutcome outcome_;
  std::exception_ptr failure_;
  std::jthread thread_;  // last: it uses the others
};

// Until no rank is copying any more. Ranks meet several times within the patience of any one of them.
void wait_for_all(Communicator& host, const StagingThread* mine) {
  using std::chrono::milliseconds;
  const auto patience = std::chrono::duration_cast<milliseconds>(host.timeout() / 4);
  const milliseconds longest = std::min(milliseconds(500), patience);
  std::optional<Progress> progress;
  for (milliseconds pause(5);; pause = std::min(pause * 2, longest)) {
    std::array<double, 1> copying{mine != nullptr && !mine->finished() ? 1.0 : 0.0};
    host.all_reduce_host(copying, ReduceOp::kSum, kWhat);
    if (copying[0] == 0) break;
    if (host.rank() == 0 && mine != nullptr && mine->bytes_total() > 0) {
      if (!progress) progress.emplace("data.stage", mine->bytes_total() / kMiB, "MiB");
      progress->update(mine->bytes_done() / kMiB);
    }
    std::this_thread::sleep_for(pause);
  }
  if (progress) progress->finish();
}

}  // namespace

Config with_staged_data(const Config& config, const RankContext& context) {
  if (config.data.stage.empty()) return config;
  Communicator& host = *context.host;
  Config local = config;
  const std::vector<std::string*> paths = paths_to_stage(local, context);
  std::filesystem::path root;
  agree(host, kWhat, [&] { root = expand_variables(config.data.stage); });

  std::optional<StagingThread> staging;
  if (context.place().local_rank == 0) staging.emplace(as_paths(paths), root);
  wait_for_all(host, staging ? &*staging : nullptr);
  agree(host, kWhat, [&] {
    if (staging) {
      const StageOutcome& outcome = staging->outcome();
      context.log->info("data.stage: {} MiB copied to {}, {} MiB were there; left for the next run",
                        outcome.bytes_copied / kMiB, root.string(), outcome.bytes_reused / kMiB);
    }
    for (std::string* path : paths) *path = staged_path(*path, root).string();
  });
  return local;
}

}  // namespace ft
