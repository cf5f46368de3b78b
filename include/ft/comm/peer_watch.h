// What waits on other ranks ask while they wait: is everyone still there?
#pragma once

#include <chrono>
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
  // What this rank waits in, for the message should a peer be lost meanwhile.
  virtual void begin_wait(std::string_view what) = 0;
  virtual void end_wait() noexcept = 0;
};

}  // namespace ft
