// When MPI itself decides to end the job.
#pragma once

#include <functional>

namespace ft {

// Note [MPI gives up]
// Open MPI calls it fatal when it finds a peer gone while it sends, and ends the whole job from inside
// whatever MPI call is under way: no exception, no exit code of ours, often not even our error line. That
// races with the watchdog, which finds the same loss within microseconds to a fraction of a second. So the
// last step of every abort, the call of PMIx_Abort (PMIx standard, "Abort"), arrives here first: this
// program defines that function, and a program's definitions go before those of the libraries that MPI's
// plugins load. An Open MPI with a PMIx of its own inside, under another name, ends the job as ever.

// While one lives, `on_abort` is called before the job is ended, on the thread that MPI ends it from and
// inside MPI: it may not call MPI nor throw. When it returns, MPI has its way. One a process at a time.
class MpiAbortHandler {
 public:
  explicit MpiAbortHandler(std::function<void()> on_abort);
  MpiAbortHandler(const MpiAbortHandler&) = delete;
  MpiAbortHandler& operator=(const MpiAbortHandler&) = delete;
  ~MpiAbortHandler();

  void operator()() const { on_abort_(); }

 private:
  std::function<void()> on_abort_;
};

}  // namespace ft
