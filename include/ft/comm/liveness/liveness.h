// The watchdog: who of the ranks is still there, over TCP connections of its own. MPI never notices a cut
// cable, and NCCL only after minutes.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "ft/comm/communicator.h"
#include "ft/comm/liveness/activity.h"
#include "ft/comm/peer_watch.h"

namespace ft {

struct Roster;
class Socket;

struct LivenessOptions {
  std::string interface = "auto";                  // dist.interface
  std::chrono::milliseconds peer_timeout{15'000};  // dist.peer_timeout_s
  // Whether the launcher has told this process to end (SIGTERM). mpirun may notice a cut cable first; then
  // who has been silent for a few beats is lost at once, and said to be while there is time. Thread-safe.
  std::function<bool()> told_to_end = [] { return false; };
  // Before the text of an error line.
  std::string prefix = "ft_dist: error: ";
};

// Note [Who says that a rank is lost]
// Every rank is connected to rank 0 and beats once a second. Rank 0 decides: a closed connection is a loss at
// once, silence is one after peer_timeout; it says so, and tells all the others. Who loses rank 0 asks the
// ranks below itself; the lowest one that answers speaks and tells those above. From then on this rank has
// a second to end: SIGTERM is ignored, since launchers send it about a second after the first death; waits
// throw PeerError, so that main can end in good order; and if main does not arrive, the watchdog ends the
// process with code 4. Nobody calls MPI after a loss: the launcher collects what is left, stopped ranks
// included, when it sees ranks leave.
//
// One a process, made in main before any communicator and destroyed last, so that MPI_Finalize is watched as
// well. Does nothing until start(), and in a world of one. All members are thread-safe except start().
class Liveness final : public PeerWatch {
 public:
  Liveness(int rank, int world_size);
  Liveness(const Liveness&) = delete;
  Liveness& operator=(const Liveness&) = delete;
  // Says farewell: from here on this rank may leave without being lost.
  ~Liveness() override;

  // Collective; becomes the communicator's watch and connects the ranks. What it throws is known to all:
  // UsageError for an interface that is not there or too few file descriptors, PeerError when a rank cannot
  // be reached. A rank that ends meanwhile is lost, as later on.
  void start(Communicator& host, const LivenessOptions& options);

  [[nodiscard]] const std::shared_ptr<Activity>& activity() const noexcept { return activity_; }
  // Where this rank's own account of a loss goes, without an end of line. Called once, from another thread.
  void set_loss_log(std::function<void(const std::string&)> write);

  // Whether a rank is lost, or has said that it failed.
  [[nodiscard]] bool lost() const noexcept;
  // The same, for a caller whose MPI call failed and who wants to know why: the news may be on its way.
  [[nodiscard]] bool lost_within(std::chrono::milliseconds patience) const;
  [[nodiscard]] bool watching() const noexcept;
  // So long after its death a rank is known to be lost at the latest, even if the others must ask around.
  [[nodiscard]] std::chrono::milliseconds verdict_within() const noexcept { return verdict_within_; }

  // main's end after a loss: code 4, by _exit, once the others know and the log is written.
  [[noreturn]] void leave_after_loss();
  // main's end after an error of this rank alone: the others learn it and leave with code 4, this one with
  // its own. Where this rank has not `said` it on standard error (the launcher may be gone there), rank 0
  // does. Only when watching().
  [[noreturn]] void leave_after_failure(int exit_code, const std::string& what, bool said);

  void require_all_alive() override;
  [[nodiscard]] std::chrono::duration<double> since_progress() override;
  [[nodiscard]] std::string busy_elsewhere(std::string_view what) override;
  void begin_wait(std::string_view what) override;
  void end_wait() noexcept override;

 private:
  class Watchdog;

  void connect(Communicator& host, Roster roster, Socket listener, const LivenessOptions& options);

  int rank_;
  int world_size_;
  std::shared_ptr<Activity> activity_ = std::make_shared<Activity>();
  std::function<void(const std::string&)> loss_log_;
  std::chrono::milliseconds verdict_within_{0};
  std::unique_ptr<Watchdog> watchdog_;
  std::atomic<bool> watching_{false};
};

}  // namespace ft
