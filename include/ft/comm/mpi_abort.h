// When MPI itself ends the job.
#pragma once

#include <functional>
#include <thread>

namespace ft {

// Note [MPI gives up]
// Open MPI calls it fatal when it finds a peer gone while it sends, and ends the whole job from inside
// whatever MPI call is under way: no exception, no exit code of ours, often not even our error line. That
// races with the watchdog, which finds the same loss within microseconds to a fraction of a second. It does
// the same, from a thread of its own, when the launcher is gone. So the last step of every such end, the
// call of PMIx_Abort (PMIx standard, "Abort"), arrives here first: this program defines that function, and a
// program's definitions go before those of the libraries that MPI's plugins load. An Open MPI with a PMIx of
// its own inside, under another name, ends the job as ever.
enum class AbortOrigin {
  kCall,  // an MPI call of the thread that made the handler: as a rule a peer is gone
  kEvent  // another thread: as a rule the launcher is gone, or has ended the job
};

// While one lives, `on_abort` is called before the job is ended, on the thread that MPI ends it from: it may
// not call MPI. When it returns, or throws, MPI has its way. One a process; calls come one at a time, and the
// destructor waits for the one under way.
class MpiAbortHandler {
 public:
  explicit MpiAbortHandler(std::function<void(AbortOrigin)> on_abort);
  MpiAbortHandler(const MpiAbortHandler&) = delete;
  MpiAbortHandler& operator=(const MpiAbortHandler&) = delete;
  ~MpiAbortHandler();

  void call() const noexcept;

 private:
  std::function<void(AbortOrigin)> on_abort_;
  std::thread::id made_by_ = std::this_thread::get_id();
};

}  // namespace ft
