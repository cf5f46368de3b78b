#include <chrono>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/base/error.h"
#include "ft/comm/backends.h"
#include "ft/comm/device/nccl_communicator.h"

#ifdef FT_CUDA

#include "fake_nccl.h"
#include "nccl_backend.h"

namespace ft {
namespace {

using std::chrono::milliseconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class NcclCommunicator : public testing::Test {
 protected:
  NcclCommunicator() { host->set_timeout(milliseconds(50)); }

  [[nodiscard]] std::unique_ptr<Communicator> connect() {
    auto made = std::make_unique<FakeQueue>(nccl, device_is_done);
    queue = made.get();
    return make_nccl_communicator(*host, std::move(made), nccl.api(), patience);
  }
  // A connected communicator, with the calls so far forgotten.
  [[nodiscard]] std::unique_ptr<Communicator> connected() {
    auto communicator = connect();
    nccl.calls.clear();
    return communicator;
  }
  [[nodiscard]] std::unique_ptr<Work> reduce(Communicator& communicator) {
    return communicator.start_all_reduce(&gradient, 1, ElementKind::kFloat32, ReduceOp::kSum);
  }
  [[nodiscard]] std::string failure_of(const std::function<void()>& action) {
    try {
      action();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kPeer);
      return error.what();
    }
    ADD_FAILURE() << "no error";
    return {};
  }

  FakeNccl nccl;
  std::chrono::duration<double> patience = kNcclPatience;
  bool device_is_done = true;
  float gradient = 1;
  FakeQueue* queue = nullptr;  // the communicator's
  std::unique_ptr<Communicator> host = make_single_communicator();
};

TEST_F(NcclCommunicator, ConnectsWithoutBlockingAndWarmsUp) {
  const auto communicator = connect();
  EXPECT_EQ(nccl.config_blocking, 0);
  EXPECT_THAT(nccl.calls, ElementsAre("init", "follow_compute", "mark", "all_reduce", "mark"));
  EXPECT_EQ(communicator->backend(), "nccl");
}

TEST_F(NcclCommunicator, EndsInOrder) {
  { const auto communicator = connected(); }
  EXPECT_THAT(nccl.calls, ElementsAre("finalize", "destroy", "queue gone"));
}

TEST_F(NcclCommunicator, AbortsWhenLeftByAnException) {
  const auto leave = [&] {
    const auto communicator = connected();
    throw std::runtime_error("elsewhere");
  };
  EXPECT_THROW(leave(), std::runtime_error);
  EXPECT_THAT(nccl.calls, ElementsAre("abort", "queue gone"));
}

TEST_F(NcclCommunicator, AbortsWhenTheEndDoesNotCome) {
  {
    const auto communicator = connected();
    nccl.polls_in_progress = -1;
  }
  EXPECT_THAT(nccl.calls, ElementsAre("finalize", "abort", "queue gone"));
}

TEST_F(NcclCommunicator, AbortsWhenTheEndIsRefused) {
  {
    const auto communicator = connected();
    nccl.finalize_result = ncclSystemError;
  }
  EXPECT_THAT(nccl.calls, ElementsAre("finalize", "abort", "queue gone"));
}

// What cannot be polled is left by ending the process: nothing else would.
TEST_F(NcclCommunicator, LeavesAHungAbortAndAHungDestroyByExiting) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  patience = milliseconds(50);
  const auto exits_with_4 = testing::ExitedWithCode(static_cast<int>(ExitCode::kPeer));
  const auto fail_and_abort = [&] {
    const auto communicator = connected();
    nccl.hangs_in = "abort";
    nccl.all_reduce_result = ncclSystemError;
    static_cast<void>(reduce(*communicator));
  };
  EXPECT_EXIT(fail_and_abort(), exits_with_4, "ncclCommAbort has not come back in 0.05 s");
  const auto end = [&] {
    const auto communicator = connected();
    nccl.hangs_in = "destroy";
  };
  EXPECT_EXIT(end(), exits_with_4, "ncclCommDestroy has not come back in 0.05 s");
}

TEST_F(NcclCommunicator, WaitsForALatePeer) {
  host->set_timeout(std::chrono::seconds(30));
  nccl.polls_in_progress = 50;
  EXPECT_EQ(connect()->backend(), "nccl");
}

TEST_F(NcclCommunicator, SaysThatTheStateCannotBeHad) {
  const auto communicator = connected();
  nccl.async_error_result = ncclInvalidArgument;
  EXPECT_THAT(failure_of([&] { static_cast<void>(reduce(*communicator)); }), HasSubstr("unhandled"));
  EXPECT_THAT(nccl.calls, ElementsAre("follow_compute", "mark", "all_reduce", "abort"));
}

TEST_F(NcclCommunicator, RegistersMemoryUntilItIsForgotten) {
  const auto communicator = connected();
  auto registered = communicator->register_memory(&gradient, sizeof(gradient));
  EXPECT_THAT(nccl.calls, ElementsAre("register"));
  registered.reset();
  EXPECT_THAT(nccl.calls, ElementsAre("register", "deregister"));
}

TEST_F(NcclCommunicator, ForgetsNothingOnAConnectionThatIsGone) {
  auto communicator = connected();
  auto registered = communicator->register_memory(&gradient, sizeof(gradient));
  nccl.all_reduce_result = ncclSystemError;
  EXPECT_THROW(static_cast<void>(reduce(*communicator)), PeerError);
  communicator.reset();
  registered.reset();
  EXPECT_THAT(nccl.calls, Not(Contains("deregister")));
}

TEST_F(NcclCommunicator, GivesUpRegisteringAtTheDeadline) {
  const auto communicator = connected();
  nccl.polls_in_progress = -1;
  EXPECT_THAT(failure_of([&] { static_cast<void>(communicator->register_memory(&gradient, 4)); }),
              HasSubstr("registering memory with NCCL"));
  EXPECT_THAT(nccl.calls, ElementsAre("register", "abort"));
}

TEST_F(NcclCommunicator, MarksTheStreamOnlyWhenTheCallIsNoLongerInProgress) {
  const auto communicator = connected();
  nccl.polls_in_progress = -1;
  EXPECT_THAT(failure_of([&] { static_cast<void>(reduce(*communicator)); }),
              HasSubstr("starting an all-reduce"));
  EXPECT_THAT(nccl.calls, ElementsAre("follow_compute", "mark", "all_reduce", "abort"));
}

TEST_F(NcclCommunicator, GivesUpConnectingAtTheDeadline) {
  nccl.polls_in_progress = -1;
  EXPECT_THAT(failure_of([&] { static_cast<void>(connect()); }), HasSubstr("connecting by NCCL"));
  EXPECT_THAT(nccl.calls, ElementsAre("init", "abort", "queue gone"));
}

TEST_F(NcclCommunicator, SaysWhyConnectingWasRefused) {
  nccl.init_result = ncclSystemError;
  const auto text = failure_of([&] { static_cast<void>(connect()); });
  EXPECT_THAT(text, HasSubstr("unhandled system error"));
  EXPECT_THAT(text, HasSubstr("connection reset by n2"));
}

TEST_F(NcclCommunicator, SaysWhyThereIsNoId) {
  nccl.unique_id_result = ncclSystemError;
  EXPECT_THAT(failure_of([&] { static_cast<void>(connect()); }), HasSubstr("NCCL finds no network"));
}

TEST_F(NcclCommunicator, RefusesAnOlderLibrary) {
  nccl.version = 22703;
  try {
    static_cast<void>(connect());
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    EXPECT_THAT(error.what(), HasSubstr("NCCL 2.27.3 was loaded"));
  }
}

TEST_F(NcclCommunicator, WorkIsDoneWhenTheDeviceIs) {
  const auto communicator = connected();
  device_is_done = false;
  const auto work = reduce(*communicator);
  EXPECT_FALSE(work->test());
  EXPECT_FALSE(work->device_seconds());
  device_is_done = true;
  EXPECT_TRUE(work->test());
  EXPECT_EQ(work->device_seconds(), 1);
}

TEST_F(NcclCommunicator, NoticesADeadPeerWhileTheDeviceWaits) {
  const auto communicator = connected();
  device_is_done = false;
  const auto work = reduce(*communicator);
  nccl.state = ncclRemoteError;
  EXPECT_THAT(failure_of([&] { work->wait(deadline_after(milliseconds(5'000)), "bucket 0"); }),
              HasSubstr("remote process exited"));
  EXPECT_THAT(nccl.calls, Contains("abort"));
}

TEST_F(NcclCommunicator, AbortsAtTheDeadlineOfAWait) {
  const auto communicator = connected();
  device_is_done = false;
  const auto work = reduce(*communicator);
  EXPECT_THAT(failure_of([&] { work->wait(deadline_after(milliseconds(5)), "bucket 0 of step 7"); }),
              HasSubstr("bucket 0 of step 7"));
  EXPECT_THAT(nccl.calls, ElementsAre("follow_compute", "mark", "all_reduce", "mark", "abort"));
}

TEST_F(NcclCommunicator, FailsAtOnceAfterAFailure) {
  const auto communicator = connected();
  nccl.all_reduce_result = ncclSystemError;
  EXPECT_THAT(failure_of([&] { static_cast<void>(reduce(*communicator)); }), HasSubstr("system error"));
  nccl.all_reduce_result = ncclSuccess;
  nccl.calls.clear();
  EXPECT_THAT(failure_of([&] { static_cast<void>(reduce(*communicator)); }), HasSubstr("has failed before"));
  EXPECT_THAT(nccl.calls, Not(Contains("all_reduce")));
}

TEST_F(NcclCommunicator, ADroppedWorkIsWaitedForOrAborted) {
  const auto communicator = connected();
  device_is_done = false;
  { const auto work = reduce(*communicator); }
  EXPECT_THAT(nccl.calls, ElementsAre("follow_compute", "mark", "all_reduce", "mark", "abort"));
}

TEST_F(NcclCommunicator, KnowsEveryKindAndOperation) {
  const auto communicator = connected();
  nccl.reductions.clear();
  for (const auto kind : {ElementKind::kFloat32, ElementKind::kBFloat16, ElementKind::kFloat64,
                          ElementKind::kInt64, ElementKind::kUInt8}) {
    static_cast<void>(communicator->start_all_reduce(&gradient, 1, kind, ReduceOp::kSum));
  }
  for (const auto op : {ReduceOp::kMin, ReduceOp::kMax}) {
    static_cast<void>(communicator->start_all_reduce(&gradient, 1, ElementKind::kFloat32, op));
  }
  EXPECT_THAT(nccl.reductions, ElementsAre(std::pair{ncclFloat32, ncclSum}, std::pair{ncclBfloat16, ncclSum},
                                           std::pair{ncclFloat64, ncclSum}, std::pair{ncclInt64, ncclSum},
                                           std::pair{ncclUint8, ncclSum}, std::pair{ncclFloat32, ncclMin},
                                           std::pair{ncclFloat32, ncclMax}));
}

// In order on the stream: the copy, its sum, and the sum back; the copy stays until the device is past it.
TEST_F(NcclCommunicator, RoundsACopyAndPutsItsSumBack) {
  const auto communicator = connected();
  nccl.reductions.clear();
  gradient = 1.001F;
  device_is_done = false;
  const auto work =
      communicator->start_all_reduce(&gradient, 1, ElementKind::kFloat32, ReduceOp::kSum, Wire::kBFloat16);
  EXPECT_THAT(nccl.calls, ElementsAre("follow_compute", "mark", "round", "all_reduce", "widen", "mark"));
  EXPECT_THAT(nccl.reductions, ElementsAre(std::pair{ncclBfloat16, ncclSum}));
  EXPECT_EQ(gradient, 1.0F);
  EXPECT_FALSE(queue->last_copy.expired());
  device_is_done = true;
  EXPECT_TRUE(work->test());
}

TEST_F(NcclCommunicator, RoundsOnlySumsOfFloat32) {
  const auto communicator = connected();
  EXPECT_THROW(static_cast<void>(communicator->start_all_reduce(&gradient, 1, ElementKind::kFloat32,
                                                                ReduceOp::kMax, Wire::kBFloat16)),
               Error);
  EXPECT_THAT(nccl.calls, Not(Contains("all_reduce")));
}

}  // namespace
}  // namespace ft

#else

TEST(NcclCommunicator, SaysThatThisBuildHasNone) {
  const auto host = ft::make_single_communicator();
  EXPECT_THROW(static_cast<void>(ft::make_nccl_communicator(*host, 0)), ft::UsageError);
}

#endif  // FT_CUDA
