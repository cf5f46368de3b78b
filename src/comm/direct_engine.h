// Runs direct reductions over MPI: any number at once, all moved on by one call.
#pragma once

#include <exception>
#include <memory>
#include <mutex>
#include <vector>

#include <mpi.h>

#include "ft/comm/communicator.h"

#include "direct_reduction.h"
#include "host_groups.h"
#include "mpi_work.h"

namespace ft {

// Tags from here on are the engine's; those below are for others on the same communicator.
inline constexpr int kFirstDirectTag = 16;

struct DirectOptions {
  // Just under the length up to which Open MPI sends over TCP without asking first (64 KiB with its header):
  // with the question, a link of 1 Gbit/s is idle a third of the time (docs/decisions.md). 4 MiB under way
  // are what a kernel takes in for a socket between two polls.
  MessageFlow network{.segment_bytes = (std::size_t{64} << 10U) - 256,
                      .window = 64,
                      .slots = 64,
                      .patience = std::chrono::microseconds{100}};
  // Among ranks of one host, where the receiver copies from the sender's memory. Few slots: what has come is
  // added while it is in the cache. What is sent needs none, and waits there for a receiver that seldom
  // polls.
  MessageFlow local{.segment_bytes = std::size_t{512} << 10U,
                    .window = 64,
                    .slots = 3,
                    .patience = std::chrono::microseconds{500}};
  // Open MPI sends up to 4 KiB, with its header, within a host without asking first. For few ranks only
  // (kMostExchanging).
  std::size_t exchange_bytes = (std::size_t{4} << 10U) - 256;
  // Of an operation in two levels.
  std::size_t slice_bytes = std::size_t{4} << 20U;
  // Pairs of tags, used in turn; the standard promises 32767 tags.
  int tag_pairs = 16'000;
};

// Shared by the communicator and its works, which may outlive it. One thread at a time, as the communicator.
class DirectEngine {
 public:
  class Operation;

  // `comm` is its own from here on: the last of the works frees it, unless something has failed or MPI has
  // been finalized.
  DirectEngine(MPI_Comm comm, int rank, int world_size, HostGroups groups,
               std::shared_ptr<CommunicatorHealth> health, DirectOptions options);
  DirectEngine(const DirectEngine&) = delete;
  DirectEngine& operator=(const DirectEngine&) = delete;
  ~DirectEngine();

  // A sum of float32, float64 or int64. `deadline` bounds the wait for a tag. A throw leaves the communicator
  // failed.
  [[nodiscard]] std::shared_ptr<Operation> start(void* data, std::size_t count, ElementKind kind, Wire wire,
                                                 Deadline deadline);
  // Sums of so many elements are best cut into several operations; 0: not at all. In two levels one level's
  // messages then travel while another's are added.
  [[nodiscard]] std::size_t best_count(ElementKind kind) const noexcept;
  // Moves all operations on; true when a message came or went. A throw leaves the communicator failed.
  bool advance();
  // Polls until `operation` is done; sleeps when nothing has moved for a while. PeerError naming `what` at
  // the deadline.
  void wait(const Operation& operation, Deadline deadline, std::string_view what);

 private:
  // What one request of MPI's is about.
  struct Message {
    Operation* operation;
    int peer;
    MessageKind kind;
    std::size_t segment;
    bool sending;
  };

  [[nodiscard]] const MessageFlow& flow() const noexcept;  // in one level, or of the level across hosts
  [[nodiscard]] std::unique_ptr<Reduction> make_reduction(const ReductionTask& task);
  void free_tag_pair(int tag_pair, Deadline deadline);
  void test_some();
  void forget_completed();
  void remove_finished();

  MPI_Comm comm_;
  int rank_;
  int world_size_;
  HostGroups groups_;
  std::shared_ptr<CommunicatorHealth> health_;
  DirectOptions options_;
  int next_tag_pair_ = 0;
  ScratchPool scratch_;
  // After a failure operations stay, beyond the engine's end: MPI may still write to their memory.
  std::vector<std::shared_ptr<Operation>> active_;
  // Of equal length. One array over all operations, so that one call tests them all.
  std::vector<MPI_Request> requests_;
  std::vector<Message> messages_;
  std::vector<int> completed_;
  int completions_ = 0;
};

// The Work of the operations that one sum was cut into.
class DirectWork final : public Work {
 public:
  using Operations = std::vector<std::shared_ptr<DirectEngine::Operation>>;
  // `timeout` bounds the wait in the destructor.
  DirectWork(std::shared_ptr<DirectEngine> engine, Operations operations,
             std::shared_ptr<CommunicatorHealth> health, std::chrono::duration<double> timeout);
  DirectWork(const DirectWork&) = delete;
  DirectWork& operator=(const DirectWork&) = delete;
  ~DirectWork() override;

  [[nodiscard]] bool test() override;
  void wait(Deadline deadline, std::string_view what) override;
  [[nodiscard]] std::optional<std::uint64_t> bytes_sent() const override;

 private:
  [[nodiscard]] bool done() const;

  std::shared_ptr<DirectEngine> engine_;
  Operations operations_;
  std::shared_ptr<CommunicatorHealth> health_;
  std::chrono::duration<double> timeout_;
};

}  // namespace ft
