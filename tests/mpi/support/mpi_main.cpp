// Runs GoogleTest on every rank of an MPI world. Rank 0 prints the usual output, the others only failures,
// each line with its rank. All ranks return the same verdict.
#include <iostream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "ft/comm/backends.h"

#include "mpi_world.h"

namespace {

// gtest's own printer is kept on rank 0 alone.
class RankPrinter final : public testing::EmptyTestEventListener {
 public:
  explicit RankPrinter(int rank) : rank_(rank) {}

  void OnTestStart(const testing::TestInfo& info) override {
    current_ = fmt::format("{}.{}", info.test_suite_name(), info.name());
  }
  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (!result.failed()) return;
    std::cerr << fmt::format("rank {}: {}: {}:{}: {}\n", rank_, current_,
                             result.file_name() != nullptr ? result.file_name() : "?", result.line_number(),
                             result.message());
  }

 private:
  int rank_;
  std::string current_;
};

// After each test all ranks learn whether it failed anywhere, so that all return the same verdict. A rank
// that left a test early comes here alone, while the others still wait for it inside the test: whoever runs
// out of patience first aborts the job.
class LockStep final : public testing::EmptyTestEventListener {
 public:
  LockStep(ft::MpiSession& session, ft::Communicator& world) : session_(session), world_(world) {
    world_.set_timeout(kGrace);
  }

  void OnTestEnd(const testing::TestInfo& info) override {
    double failed = info.result()->Failed() ? 1 : 0;
    try {
      world_.all_reduce_host({&failed, 1}, ft::ReduceOp::kMax, "comparing verdicts");
    } catch (const std::exception& error) {
      std::cerr << fmt::format("rank {}: {}.{}: {}\n", world_.rank(), info.test_suite_name(), info.name(),
                               error.what());
      session_.abort(1);
    }
    failed_anywhere_ = failed_anywhere_ || failed > 0;
  }

  [[nodiscard]] bool failed_anywhere() const noexcept { return failed_anywhere_; }

 private:
  static constexpr std::chrono::seconds kGrace{20};

  ft::MpiSession& session_;
  ft::Communicator& world_;
  bool failed_anywhere_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  ft::MpiSession session(argc, argv);
  testing::InitGoogleTest(&argc, argv);
  bool failed = false;
  {
    // Verdicts travel on a communicator of their own: a test that breaks its own cannot break this one.
    const auto world = ft::make_host_communicator(session);
    const ft::testing_support::CurrentSession current(session);
    auto& listeners = testing::UnitTest::GetInstance()->listeners();
    if (session.rank() != 0) delete listeners.Release(listeners.default_result_printer());
    if (session.rank() != 0) listeners.Append(new RankPrinter(session.rank()));  // gtest takes ownership
    LockStep lock_step(session, *world);
    listeners.Append(&lock_step);
    failed = RUN_ALL_TESTS() != 0;
    listeners.Release(&lock_step);
    failed = failed || lock_step.failed_anywhere();
  }
  session.finalize();
  return failed ? 1 : 0;
}
