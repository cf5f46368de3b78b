// Non-blocking MPI operations under way, polled.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <mpi.h>

#include "ft/comm/communicator.h"
#include "ft/comm/peer_watch.h"

namespace ft {

// Shared by a communicator and its works. After one operation failed or timed out, ranks no longer agree on
// which comes next, so that every later one must fail at once instead of waiting for its own deadline.
class CommunicatorHealth {
 public:
  void fail(std::string reason);
  [[nodiscard]] bool failed() const noexcept { return reason_.has_value(); }
  // PeerError with the first failure's text.
  void require_sound(std::string_view what) const;

  [[nodiscard]] PeerWatch* watch() const noexcept { return watch_; }
  void set_watch(PeerWatch* watch) noexcept { watch_ = watch; }

 private:
  std::optional<std::string> reason_;
  PeerWatch* watch_ = nullptr;
};

class DirectEngine;

class MpiWork final : public Work {
 public:
  // `timeout` bounds the wait in the destructor. `sums` (or null) are moved on with each test: MPI's own
  // operations move in any of its calls, so that another rank may count on this one's sums while this one
  // waits for something else.
  MpiWork(std::vector<MPI_Request> requests, std::shared_ptr<CommunicatorHealth> health,
          std::shared_ptr<DirectEngine> sums, std::chrono::duration<double> timeout);
  MpiWork(const MpiWork&) = delete;
  MpiWork& operator=(const MpiWork&) = delete;
  ~MpiWork() override;

  [[nodiscard]] bool test() override;
  void wait(Deadline deadline, std::string_view what) override;
  void wait(Deadline deadline, std::chrono::microseconds longest_sleep, std::string_view what);

 private:
  std::vector<MPI_Request> requests_;
  std::shared_ptr<CommunicatorHealth> health_;
  std::shared_ptr<DirectEngine> sums_;
  std::chrono::duration<double> timeout_;
  bool done_ = false;
};

}  // namespace ft
