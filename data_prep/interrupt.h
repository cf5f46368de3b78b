// Ctrl-C and TERM, held back until half-made files are gone.
#pragma once

#include <csignal>

namespace ft {

// While it lives, INT and TERM wait; threads made meanwhile inherit that. When it goes, a signal that waited
// ends the process the way it would have: so keep everything that must be cleaned up inside its lifetime.
class DeferredInterrupt {
 public:
  DeferredInterrupt();
  DeferredInterrupt(const DeferredInterrupt&) = delete;
  DeferredInterrupt& operator=(const DeferredInterrupt&) = delete;
  ~DeferredInterrupt();

  [[nodiscard]] bool requested() const;

 private:
  sigset_t signals_{};
  sigset_t before_{};
};

}  // namespace ft
