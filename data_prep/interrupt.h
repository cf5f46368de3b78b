// Ctrl-C, TERM and USR1, held back until what was done is safe.
#pragma once

#include <csignal>

namespace ft {

// While it lives, INT, TERM and USR1 wait; threads made meanwhile inherit that. When it goes, a signal that
// waited ends the process the way it would have: so keep everything that must be cleaned up inside its
// lifetime.
class DeferredInterrupt {
 public:
  DeferredInterrupt();
  DeferredInterrupt(const DeferredInterrupt&) = delete;
  DeferredInterrupt& operator=(const DeferredInterrupt&) = delete;
  ~DeferredInterrupt();

  [[nodiscard]] bool requested() const;
  // By USR1, which asks for an end with an exit code (mpirun hands it on to all ranks).
  [[nodiscard]] bool requested_by_usr1() const;
  // The signals that wait are taken for seen, and end nothing.
  void forget();

 private:
  sigset_t signals_{};
  sigset_t before_{};
};

}  // namespace ft
