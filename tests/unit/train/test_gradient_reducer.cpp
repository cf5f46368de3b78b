// A rank is lost while backward runs: what the hooks throw comes out of backward as what it was.
#include <gtest/gtest.h>

#include "ft/base/error.h"
#include "ft/train/elastic_reducer.h"
#include "ft/train/gradient_reducer.h"

#include "stub_communicator.h"

namespace ft {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

// Never ends, and fails when asked whether it has, if `fails`.
class StuckWork final : public Work {
 public:
  explicit StuckWork(bool fails) : fails_(fails) {}
  [[nodiscard]] bool test() override {
    if (fails_) throw PeerError("rank 1 on n1 is gone");
    return false;
  }

 private:
  bool fails_;
};

enum class Failure { kNone, kAtStart, kAtTest };

// The `when`-th sum fails.
class LosingRanks {
 public:
  LosingRanks(Failure failure, int when) : failure_(failure), when_(when) {}
  Communicator& ranks() { return ranks_; }
  [[nodiscard]] int started() const { return started_; }

 private:
  std::unique_ptr<Work> start() {
    const bool now = started_++ == when_;
    if (now && failure_ == Failure::kAtStart) throw PeerError("rank 1 on n1 is gone");
    return std::make_unique<StuckWork>(now && failure_ == Failure::kAtTest);
  }

  Failure failure_;
  int when_;
  int started_ = 0;
  StubCommunicator ranks_{[this](void*, std::size_t) { return start(); }};
};

std::unique_ptr<GradientSum> make_sum(FlatParameters& flat, Communicator& ranks, bool elastic) {
  if (elastic) return std::make_unique<ElasticReducer>(flat, ranks, 2);
  return std::make_unique<GradientReducer>(flat, ranks);
}

class LostRank : public testing::TestWithParam<bool> {
 protected:
  torch::Tensor loss() {
    torch::manual_seed(0);
    return model_->forward(torch::randn({2, 3, 33, 33})).sum();
  }
  void expect_peer_error(Failure failure, int when) {
    LosingRanks losing(failure, when);
    const auto sum = make_sum(flat_, losing.ranks(), GetParam());
    sum->arm();
    try {
      loss().backward();
      FAIL() << "backward noticed nothing";
    } catch (const PeerError& error) {
      EXPECT_STREQ(error.what(), "rank 1 on n1 is gone");
    }
    EXPECT_EQ(losing.started(), when + 1) << "backward went on";
  }

  ResNet model_ = make_resnet("resnet18", 2);
  FlatParameters flat_{model_, kMiB, 4 * kMiB};
};

INSTANTIATE_TEST_SUITE_P(Sums, LostRank, testing::Bool(),
                         [](const auto& instance) { return instance.param ? "Elastic" : "Plain"; });

TEST_P(LostRank, WhenABucketStarts) {
  expect_peer_error(Failure::kAtStart, 0);
  expect_peer_error(Failure::kAtStart, 3);
}

TEST_P(LostRank, WhenABucketIsAskedFor) {
  expect_peer_error(Failure::kAtTest, 0);
}

// Nothing of the failed pass is left over in autograd.
TEST_P(LostRank, LeavesAModelWhoseBackwardWorks) {
  expect_peer_error(Failure::kAtStart, 1);
  loss().backward();
  LosingRanks steady(Failure::kNone, 0);
  const auto sum = make_sum(flat_, steady.ranks(), GetParam());
  sum->arm();
  loss().backward();
  EXPECT_EQ(static_cast<std::size_t>(steady.started()), flat_.layout().buckets.size());
}

}  // namespace
}  // namespace ft
