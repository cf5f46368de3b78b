// `ft_dist bench comm`: time and bandwidth of an all-reduce by size, beside MPI's own.
#include <algorithm>
#include <iostream>
#include <set>

#include <fmt/format.h>

#include "ft/base/atomic_write.h"
#include "ft/base/error.h"
#include "ft/base/stopwatch.h"
#include "ft/comm/agreement.h"
#include "ft/comm/plain_mpi.h"
#include "ft/report/progress.h"
#include "ft/report/table.h"

#include "bench_rounds.h"
#include "comm_report.h"
#include "commands.h"

namespace ft::app {
namespace {

// A batch is timed as a whole, so that a clock or a rank that wakes up late does not count on microseconds.
constexpr double kBatchSeconds = 2e-3;
constexpr int kLongestBatch = 200;
constexpr int kMostBatches = 500;

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

class CommBench {
 public:
  CommBench(Session& session, Wire wire)
      : session_(&session), ranks_(session.context.gradients), wire_(wire) {}

  // Collective. Ours and MPI's batches take turns, for `seconds` in all.
  [[nodiscard]] CommRate measure(std::uint64_t bytes, std::uint64_t element_bytes, double seconds) {
    const Stopwatch all;
    CommRate rate{.bytes = bytes, .count = bytes / element_bytes};
    const auto count = static_cast<std::int64_t>(rate.count);
    rate.wrong = wrong_elements(count);
    const torch::Tensor data = torch::zeros({count}, session_->context.device);  // zero stays zero
    std::vector<float> host(rate.count);
    const auto ours = [&] { all_reduce(data); };
    const auto mpi = [&] { plain_mpi_all_reduce(host); };

    const int length = batch_length(ours, mpi);
    std::vector<double> our_times, mpi_times;
    const Stopwatch measuring;
    const double given = seconds - all.seconds();
    while (const int more = agreed(
               next_rounds(measuring.seconds(), static_cast<int>(our_times.size()), given, kMostBatches),
               ReduceOp::kMin)) {
      start_together();
      for (int i = 0; i < more; ++i) {
        our_times.push_back(batch(ours, length));
        mpi_times.push_back(batch(mpi, length));
      }
    }
    rate.rounds = our_times.size();
    double medians[2] = {median(our_times), median(mpi_times)};
    session_->host->all_reduce_host(medians, ReduceOp::kSum, "bench comm");
    rate.seconds = medians[0] / session_->context.world_size();
    rate.mpi_seconds = medians[1] / session_->context.world_size();
    return rate;
  }

 private:
  void all_reduce(const torch::Tensor& data) {
    ranks_
        ->start_all_reduce(data.data_ptr<float>(), static_cast<std::size_t>(data.numel()),
                           ElementKind::kFloat32, ReduceOp::kSum, wire_)
        ->wait(deadline_after(ranks_->timeout()), "an all-reduce of bench comm");
  }

  // Seconds of one call.
  template <typename Call>
  double batch(const Call& call, int length) {
    const Stopwatch watch;
    for (int i = 0; i < length; ++i) call();
    return watch.seconds() / length;
  }

  // One rank's view, so that all ranks choose alike.
  int agreed(double here, ReduceOp op) {
    double value[1] = {here};
    session_->host->all_reduce_host(value, op, "bench comm");
    return static_cast<int>(value[0]);
  }
  // Ranks learn what they have agreed on at moments that differ by a sleep.
  void start_together() {
    float nothing[1] = {0};
    plain_mpi_all_reduce(nothing);
  }
  template <typename Ours, typename Mpi>
  int batch_length(const Ours& ours, const Mpi& mpi) {
    static_cast<void>(batch(ours, 1) + batch(mpi, 1));  // connects, and touches the memory
    const double once = std::min(batch(ours, 1), batch(mpi, 1));
    if (agreed(kBatchSeconds / once, ReduceOp::kMax) <= 1) return 1;
    start_together();
    const double fastest = std::min(batch(ours, 3), batch(mpi, 3));
    return agreed(std::clamp(kBatchSeconds / fastest, 1.0, double{kLongestBatch}), ReduceOp::kMax);
  }

  // Small whole numbers, whose sum over the ranks is exact in float32; rounding of bfloat16 is allowed for.
  // In place where it can be: fresh pages of 128 MiB cost as much as the sum.
  std::uint64_t wrong_elements(std::int64_t count) {
    constexpr std::int64_t kPeriod = 7;
    const int world = session_->context.world_size();
    torch::Tensor expected =
        torch::arange(kPeriod, torch::kFloat32).repeat({count / kPeriod + 1}).narrow(0, 0, count);
    torch::Tensor data =
        (expected + static_cast<double>(session_->context.rank())).to(session_->context.device);
    all_reduce(data);
    expected.mul_(world).add_(world * (world - 1) / 2.0);
    data = data.to(torch::kCPU).sub_(expected).abs_();
    // Two roundings over MPI, one at each hop over NCCL.
    const bool hops = ranks_->backend() == "nccl";
    const double allowed = wire_ == Wire::kBFloat16 ? (hops ? world + 1 : 2) / 256.0 : 0;
    // Not ">": a NaN is wrong, too.
    const auto right = (data <= expected.mul_(allowed)).sum().item<std::int64_t>();
    double sum[1] = {static_cast<double>(count - right)};
    session_->host->all_reduce_host(sum, ReduceOp::kSum, "bench comm");
    return static_cast<std::uint64_t>(sum[0]);
  }

  Session* session_;
  Communicator* ranks_;
  Wire wire_;
};

int hosts_of(const Session& session) {
  std::set<std::string> hosts;
  for (const RankPlace& place : session.context.places) hosts.insert(place.host);
  return static_cast<int>(hosts.size());
}

CommRates measure(Session& session) {
  const bool rounded = session.line.comm_type == "bf16";
  CommRates rates{.backend = std::string(session.context.gradients->backend()),
                  .type = session.line.comm_type,
                  .ranks = session.context.world_size(),
                  .hosts = hosts_of(session)};
  if (rates.ranks == 1) return rates;
  const std::uint64_t element = rounded ? 2 : sizeof(float);
  const auto sizes = doubling_sizes(session.line.min_bytes, session.line.max_bytes, element);
  CommBench bench(session, rounded ? Wire::kBFloat16 : Wire::kAsIs);
  Progress progress("all-reduce", sizes.size(), "sizes", session.context.is_root());
  const Stopwatch all;
  for (const std::uint64_t size : sizes) {
    progress.update(rates.sizes.size(), format_bytes(size));
    // What one size takes longer is taken from those that follow.
    const auto sizes_left = static_cast<double>(sizes.size() - rates.sizes.size());
    rates.sizes.push_back(bench.measure(size, element, (session.line.seconds - all.seconds()) / sizes_left));
  }
  progress.update(sizes.size());
  return rates;
}

void print(const Session& session, const CommRates& rates) {
  if (rates.ranks == 1) {
    std::cout << "one rank: nothing to measure (mpirun -np 2 ft_dist bench comm)\n" << std::flush;
  } else {
    std::cout
        << fmt::format(
               "all-reduce, in place, {} ranks on {} host{}, {}; MPI: blocking MPI_Allreduce of as many "
               "float in the same run\n",
               rates.ranks, rates.hosts, rates.hosts == 1 ? "" : "s", rates.backend)
        << comm_table(rates) << std::flush;
  }
  if (!session.line.json.empty()) write_file_atomically(session.line.json, to_json(rates).dump(2) + "\n");
}

}  // namespace

int bench_comm_command(Session& session) {
  if (session.line.max_bytes < session.line.min_bytes) {
    UsageError error("--max is smaller than --min");
    error.mark_known_to_all();
    throw error;
  }
  const CommRates rates = measure(session);
  agree(*session.host, "writing the figures", [&] {
    if (session.context.is_root()) print(session, rates);
  });
  return 0;
}

}  // namespace ft::app
