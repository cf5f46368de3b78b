// Collective communication among the ranks of one run. One interface over NCCL (device memory), MPI (host
// memory) or nothing (a world of one).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ft {

class PeerWatch;

enum class ElementKind { kFloat32, kBFloat16, kFloat64, kInt64, kUInt8 };
[[nodiscard]] std::size_t byte_size(ElementKind kind) noexcept;
enum class ReduceOp { kSum, kMin, kMax };

// How float32 travels in a sum. kBFloat16 halves the bytes and leaves the data float32: every contribution is
// rounded to bfloat16, and so is the sum. Over MPI the additions between are float32 and in the order of the
// ranks, hence two roundings in all; where several hosts have several ranks each, it is the hosts' sums that
// are rounded, and what stays within a host travels as it is. NCCL adds in bfloat16 and rounds at each hop.
// In a world of one nothing travels and nothing is rounded, but by NCCL (dist.backend: nccl), which does as
// ever.
enum class Wire { kAsIs, kBFloat16 };

// What one rank sends in an all-reduce that wastes nothing (2 (n - 1) / n of the data), rounded: payload,
// without headers and repeats. Work::bytes_sent() tells what it was, where that is known.
[[nodiscard]] std::uint64_t all_reduce_bytes_sent(std::size_t count, ElementKind kind, Wire wire,
                                                  int world_size) noexcept;

// The moment after which a wait gives up.
using Deadline = std::chrono::steady_clock::time_point;
[[nodiscard]] Deadline deadline_after(std::chrono::duration<double> duration);

// A collective under way. The memory it works on must stay valid and untouched until it is done. Destroying
// an unfinished Work waits for it.
class Work {
 public:
  Work() = default;
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;
  virtual ~Work() = default;
  // Makes progress; true once done (for device memory: enqueued work has completed). Throws PeerError.
  [[nodiscard]] virtual bool test() = 0;
  // Polls test(), sleeping longer and longer in between: the cores are the trainer's. A backend may poll
  // without a sleep for a moment after each message (sums over MPI: at most 0.5 ms). PeerError naming `what`
  // at the deadline.
  virtual void wait(Deadline deadline, std::string_view what);
  // Once done: how long a device of its own was at it, by the device's clock, waiting for slower ranks
  // included. nullopt: there is no such device, or it was not timed.
  [[nodiscard]] virtual std::optional<double> device_seconds() const { return std::nullopt; }
  // Once done: the payload that this rank has sent for it to others, those of its own host included. Nothing
  // where the backend does not tell (NCCL).
  [[nodiscard]] virtual std::optional<std::uint64_t> bytes_sent() const { return std::nullopt; }
};

// Every rank must make the same calls in the same order. Not thread-safe: one thread at a time.
class Communicator {
 public:
  Communicator() = default;
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;
  virtual ~Communicator() = default;

  [[nodiscard]] virtual int rank() const noexcept = 0;
  [[nodiscard]] virtual int world_size() const noexcept = 0;
  [[nodiscard]] virtual std::string_view backend() const noexcept = 0;  // "single", "mpi", "nccl"

  // The hot path, in place; afterwards every rank has the same bits. `data` is memory of the backend's device
  // and holds `count` elements. Wire::kBFloat16 is for sums of float32: Error (bug) with anything else.
  [[nodiscard]] virtual std::unique_ptr<Work> start_all_reduce(void* data, std::size_t count,
                                                               ElementKind kind, ReduceOp op,
                                                               Wire wire = Wire::kAsIs) = 0;

  // Tells the backend of memory that start_all_reduce() will be given again and again, as long as the result
  // lives, which must end before the communicator. Collective. Null from a backend that has no use for it.
  [[nodiscard]] virtual std::shared_ptr<void> register_memory(void* /*data*/, std::size_t /*bytes*/) {
    return nullptr;
  }

  // Set-up calls, always on host memory; each ends by `timeout()` or throws PeerError naming `what`.
  virtual void barrier(std::string_view what) = 0;
  virtual void broadcast(std::span<std::byte> data, int root, std::string_view what) = 0;
  // Everyone's bytes, by rank; sizes may differ.
  [[nodiscard]] virtual std::vector<std::string> all_gather(std::string_view mine, std::string_view what) = 0;
  // Everyone's bytes on `root`; empty elsewhere.
  [[nodiscard]] virtual std::vector<std::string> gather(std::string_view mine, int root,
                                                        std::string_view what) = 0;
  // Swaps bytes with one other rank, which makes the same call with as many bytes; the rest of the world
  // takes no part. Neither span may overlap the other.
  virtual void exchange(std::span<const std::byte> mine, std::span<std::byte> theirs, int peer,
                        std::string_view what) = 0;
  // In place over host memory; small arrays of doubles (losses, counts, flags).
  virtual void all_reduce_host(std::span<double> values, ReduceOp op, std::string_view what) = 0;

  // The bound on any one operation (dist.timeout_s).
  [[nodiscard]] std::chrono::duration<double> timeout() const noexcept { return timeout_; }
  void set_timeout(std::chrono::duration<double> timeout) noexcept { timeout_ = timeout; }

  // Who ends a wait early when a rank is lost; null, as at first: nobody. Must outlive the communicator.
  [[nodiscard]] PeerWatch* watch() const noexcept { return watch_; }
  virtual void set_watch(PeerWatch* watch) { watch_ = watch; }

 private:
  std::chrono::duration<double> timeout_{300};
  PeerWatch* watch_ = nullptr;
};

}  // namespace ft
