#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/base/error.h"
#include "ft/comm/device/pick.h"

namespace ft {
namespace {

using testing::HasSubstr;
using Gpus = std::vector<std::string>;

constexpr bool kNarrowed = true;
constexpr bool kAllVisible = false;

template <typename Action>
UsageError usage_error_of(Action&& action) {
  try {
    static_cast<void>(action());
  } catch (const UsageError& error) {
    return error;
  }
  ADD_FAILURE() << "accepted";
  return UsageError("");
}

TEST(PickGpu, TakesTheCpuWhenAskedTo) {
  EXPECT_EQ(pick_gpu(DeviceChoice::kCpu, 8, kAllVisible, 1, 2), std::nullopt);
}

TEST(PickGpu, FallsBackToTheCpuOnlyForAuto) {
  EXPECT_EQ(pick_gpu(DeviceChoice::kAuto, 0, kAllVisible, 1, 2), std::nullopt);
  const auto error = usage_error_of([] { return pick_gpu(DeviceChoice::kCuda, 0, kAllVisible, 1, 2); });
  EXPECT_THAT(error.what(), HasSubstr("sees no GPU"));
}

TEST(PickGpu, GivesEachLocalRankItsOwn) {
  EXPECT_EQ(pick_gpu(DeviceChoice::kAuto, 4, kAllVisible, 0, 4), 0);
  EXPECT_EQ(pick_gpu(DeviceChoice::kCuda, 4, kAllVisible, 3, 4), 3);
  EXPECT_EQ(pick_gpu(DeviceChoice::kAuto, 8, kAllVisible, 1, 2), 1);
}

TEST(PickGpu, NamesBothCuresForTooFewGpus) {
  const auto error = usage_error_of([] { return pick_gpu(DeviceChoice::kAuto, 2, kAllVisible, 0, 4); });
  EXPECT_STREQ(error.what(), "4 ranks on this node, but only 2 GPUs");
  EXPECT_THAT(error.hint(), HasSubstr("start 2 ranks"));
  EXPECT_THAT(error.hint(), HasSubstr("run.device: cpu"));
}

TEST(PickGpu, TrustsALauncherThatShowsEachTaskOne) {
  EXPECT_EQ(pick_gpu(DeviceChoice::kAuto, 1, kNarrowed, 3, 4), 0);
  usage_error_of([] { return pick_gpu(DeviceChoice::kAuto, 1, kAllVisible, 3, 4); });
}

TEST(GpuSharing, IsNcclsFrom230OnWhenAskedFor) {
  EXPECT_EQ(gpu_sharing(0, "1"), GpuSharing::kImpossible);
  EXPECT_EQ(gpu_sharing(22'907, "1"), GpuSharing::kImpossible);
  EXPECT_EQ(gpu_sharing(23'000, ""), GpuSharing::kOffered);
  EXPECT_EQ(gpu_sharing(23'000, "0"), GpuSharing::kOffered);
  EXPECT_EQ(gpu_sharing(23'004, "1"), GpuSharing::kWanted);
}

TEST(GpuSharing, IsHintedAtWhereItIsOffered) {
  const auto few = [](GpuSharing sharing) {
    return usage_error_of([&] { return pick_gpu(DeviceChoice::kAuto, 1, kAllVisible, 0, 2, sharing); })
        .hint();
  };
  EXPECT_THAT(few(GpuSharing::kOffered), HasSubstr("NCCL_MULTI_RANK_GPU_ENABLE=1"));
  EXPECT_THAT(few(GpuSharing::kImpossible), testing::Not(HasSubstr("NCCL_MULTI_RANK_GPU_ENABLE")));
  const auto shared = usage_error_of([] {
    return pick_backend(BackendChoice::kAuto, Gpus{"n1 a", "n1 a"}, "mpi", GpuSharing::kOffered);
  });
  EXPECT_THAT(shared.hint(), HasSubstr("NCCL_MULTI_RANK_GPU_ENABLE=1"));
}

TEST(GpuSharing, SpreadsTheRanksOverTheGpusWhenWanted) {
  for (int rank = 0; rank < 5; ++rank) {
    EXPECT_EQ(pick_gpu(DeviceChoice::kAuto, 2, kAllVisible, rank, 5, GpuSharing::kWanted), rank % 2);
  }
  EXPECT_EQ(pick_backend(BackendChoice::kAuto, Gpus{"n1 a", "n1 a"}, "mpi", GpuSharing::kWanted),
            BackendChoice::kNccl);
}

TEST(PickBackend, IsNcclWhenEachRankHasItsOwnGpu) {
  EXPECT_EQ(pick_backend(BackendChoice::kAuto, Gpus{"n1 a", "n1 b"}, "mpi"), BackendChoice::kNccl);
  EXPECT_EQ(pick_backend(BackendChoice::kNccl, Gpus{"n1 a"}, "single"), BackendChoice::kNccl);
}

TEST(PickBackend, IsMpiOnCpus) {
  EXPECT_EQ(pick_backend(BackendChoice::kAuto, Gpus{"", ""}, "mpi"), BackendChoice::kMpi);
  EXPECT_EQ(pick_backend(BackendChoice::kMpi, Gpus{""}, "mpi"), BackendChoice::kMpi);
}

TEST(PickBackend, IsSingleInAWorldOfOne) {
  EXPECT_EQ(pick_backend(BackendChoice::kAuto, Gpus{""}, "mpi"), BackendChoice::kSingle);
  EXPECT_EQ(pick_backend(BackendChoice::kAuto, Gpus{"n1 a"}, "single"), BackendChoice::kSingle);
  EXPECT_EQ(pick_backend(BackendChoice::kSingle, Gpus{""}, "single"), BackendChoice::kSingle);
}

TEST(PickBackend, RefusesASharedGpuWhateverTheWish) {
  for (const auto wish : {BackendChoice::kAuto, BackendChoice::kNccl, BackendChoice::kMpi}) {
    const auto error = usage_error_of([&] {
      return pick_backend(wish, Gpus{"n1 a", "n2 a", "n1 a"}, "mpi");
    });
    EXPECT_THAT(error.what(), HasSubstr("ranks 0 and 2 share one GPU (n1 a)"));
  }
}

TEST(PickBackend, RefusesGpusAndCpusTogether) {
  const auto error = usage_error_of([] {
    return pick_backend(BackendChoice::kAuto, Gpus{"n1 a", "", ""}, "mpi");
  });
  EXPECT_THAT(error.what(), HasSubstr("1 ranks compute on GPUs and 2 on CPUs"));
}

TEST(PickBackend, RefusesWishesThatCannotBeMet) {
  EXPECT_THAT(usage_error_of([] {
                return pick_backend(BackendChoice::kNccl, Gpus{"", ""}, "mpi");
              }).what(),
              HasSubstr("nccl needs a GPU"));
  EXPECT_THAT(usage_error_of([] { return pick_backend(BackendChoice::kMpi, Gpus{""}, "single"); }).what(),
              HasSubstr("no launcher"));
  EXPECT_THAT(usage_error_of([] {
                return pick_backend(BackendChoice::kMpi, Gpus{"n1 a", "n1 b"}, "mpi");
              }).what(),
              HasSubstr("host memory only"));
  EXPECT_THAT(usage_error_of([] {
                return pick_backend(BackendChoice::kSingle, Gpus{"", ""}, "mpi");
              }).what(),
              HasSubstr("there are 2 ranks"));
}

}  // namespace
}  // namespace ft
