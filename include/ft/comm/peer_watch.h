// What waits on other ranks ask while they wait: is everyone still there?
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace ft {

// Thread-safe. comm/liveness has the one that watches; a wait without one ends at its deadline only.
class PeerWatch {
 public:
  PeerWatch() = default;
  PeerWatch(const PeerWatch&) = delete;
  PeerWatch& operator=(const PeerWatch&) = delete;
  virtual ~PeerWatch() = default;

  // PeerError that says who is lost. Cheap: every poll calls it.
  virtual void require_all_alive() = 0;
  // How long ago any rank last got on with a long piece of work; a wait is extended while one does.
  [[nodiscard]] virtual std::chrono::duration<double> since_progress() = 0;
  // Which ranks were last heard to do anything else than wait in `what`, and for how long: "rank 0 on n0 in
  // evaluating, 300 of 500 (for 12.0 s)"; empty where nobody knows. May take half a second: for a wait that
  // has failed.
  [[nodiscard]] virtual std::string busy_elsewhere(std::string_view what) {
    static_cast<void>(what);
    return {};
  }
  // What this rank waits in, for the message should a peer be lost meanwhile.
  virtual void begin_wait(std::string_view what) = 0;
  virtual void end_wait() noexcept = 0;
};

}  // namespace ft
