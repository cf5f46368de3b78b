// The MPI backend: host memory, non-blocking collectives only.
#pragma once

#include <cstdint>
#include <optional>

#include <mpi.h>

#include "ft/base/host.h"
#include "ft/comm/communicator.h"

#include "bfloat16_ops.h"
#include "direct_engine.h"
#include "mpi_work.h"

namespace ft {

// Tests pass short ones, and hosts that are none. But for the host, the same on every rank.
struct MpiLengths {
  // MPI counts in int, and Open MPI 4 multiplies some of them by the element size: what is longer travels in
  // pieces of this many bytes.
  std::size_t longest_message = std::size_t{1} << 30U;
  DirectOptions direct = {};
  // What tells this rank's host from the others.
  std::string host = host_name();
};

class MpiCommunicator final : public Communicator {
 public:
  // Duplicates MPI_COMM_WORLD; collective. Sums of float32, float64 and int64 are added up by a
  // DirectEngine; other sums, minima and maxima are MPI's.
  explicit MpiCommunicator(MpiLengths lengths = {});
  MpiCommunicator(const MpiCommunicator&) = delete;
  MpiCommunicator& operator=(const MpiCommunicator&) = delete;
  ~MpiCommunicator() override;

  [[nodiscard]] int rank() const noexcept override { return rank_; }
  [[nodiscard]] int world_size() const noexcept override { return world_size_; }
  [[nodiscard]] std::string_view backend() const noexcept override { return "mpi"; }

  [[nodiscard]] std::unique_ptr<Work> start_all_reduce(void* data, std::size_t count, ElementKind kind,
                                                       ReduceOp op, Wire wire = Wire::kAsIs) override;
  void barrier(std::string_view what) override;
  void broadcast(std::span<std::byte> data, int root, std::string_view what) override;
  [[nodiscard]] std::vector<std::string> all_gather(std::string_view mine, std::string_view what) override;
  [[nodiscard]] std::vector<std::string> gather(std::string_view mine, int root,
                                                std::string_view what) override;
  void exchange(std::span<const std::byte> mine, std::span<std::byte> theirs, int peer,
                std::string_view what) override;
  void all_reduce_host(std::span<double> values, ReduceOp op, std::string_view what) override;
  void set_watch(PeerWatch* watch) override;

 private:
  // Through MPI's own non-blocking collective.
  [[nodiscard]] std::unique_ptr<Work> start_mpi_all_reduce(void* data, std::size_t count, ElementKind kind,
                                                           ReduceOp op);
  void finish(MPI_Request request, std::chrono::microseconds longest_sleep, std::string_view what);
  void finish(std::vector<MPI_Request> requests, std::chrono::microseconds longest_sleep,
              std::string_view what);
  void require_rank(int root, std::string_view what) const;
  // The length of everyone's contribution. Also where ranks that are early wait for the others.
  [[nodiscard]] std::vector<std::uint64_t> exchange_sizes(std::size_t mine, std::string_view what);
  // To all ranks, or to one.
  [[nodiscard]] std::vector<std::string> collect(std::string_view mine, std::optional<int> root,
                                                 std::string_view what);

  MpiLengths lengths_;
  MPI_Comm comm_ = MPI_COMM_NULL;  // direct_'s
  int rank_ = 0;
  int world_size_ = 1;
  BFloat16Ops bfloat16_ops_;
  std::shared_ptr<CommunicatorHealth> health_ = std::make_shared<CommunicatorHealth>();
  std::shared_ptr<DirectEngine> direct_;
};

}  // namespace ft
