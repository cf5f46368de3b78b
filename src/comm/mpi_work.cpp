#include "mpi_work.h"

#include <utility>

#include <fmt/format.h>

#include "ft/base/error.h"
#include "ft/comm/poll.h"

#include "direct_engine.h"
#include "mpi_error.h"

namespace ft {

namespace {

// One call moves an operation on by one fragment at most; a handful of calls in a row finishes a small one
// without a sleep (0.1 ms each) and costs microseconds when nothing came.
constexpr int kTestsPerPoll = 16;

}  // namespace

void CommunicatorHealth::fail(std::string reason) {
  if (!reason_) reason_ = std::move(reason);
}

void CommunicatorHealth::require_sound(std::string_view what) const {
  if (reason_) throw PeerError(fmt::format("{}: communication has failed before: {}", what, *reason_));
}

MpiWork::MpiWork(std::vector<MPI_Request> requests, std::shared_ptr<CommunicatorHealth> health,
                 std::shared_ptr<DirectEngine> sums, std::chrono::duration<double> timeout)
    : requests_(std::move(requests)), health_(std::move(health)), sums_(std::move(sums)), timeout_(timeout) {}

// Waiting here keeps the caller's memory valid while MPI still writes to it. After a failure that is
// hopeless: the process is about to end, and MPI moves no data outside of its own calls.
MpiWork::~MpiWork() {
  if (done_ || health_->failed()) return;
  try {
    wait(deadline_after(timeout_), kBriefSleep, "an unfinished operation");
  } catch (...) {  // NOLINT(bugprone-empty-catch): wait() has recorded the failure; the next operation tells
  }
}

bool MpiWork::test() {
  if (!done_ && health_->watch() != nullptr) health_->watch()->require_all_alive();
  if (sums_ && !done_) sums_->advance();
  for (int attempt = 0; attempt < kTestsPerPoll && !done_; ++attempt) {
    int flag = 0;
    const int code =
        MPI_Testall(static_cast<int>(requests_.size()), requests_.data(), &flag, MPI_STATUSES_IGNORE);
    if (code != MPI_SUCCESS) health_->fail("MPI_Testall returned an error");
    check_mpi(code, "MPI_Testall");
    done_ = flag != 0;
  }
  return done_;
}

void MpiWork::wait(Deadline deadline, std::string_view what) {
  wait(deadline, kBriefSleep, what);
}

void MpiWork::wait(Deadline deadline, std::chrono::microseconds longest_sleep, std::string_view what) {
  if (done_) return;
  health_->require_sound(what);
  try {
    poll_until([this] { return test(); }, deadline, longest_sleep, what, health_->watch());
  } catch (const Error& error) {
    health_->fail(error.what());
    throw;
  }
}

}  // namespace ft
