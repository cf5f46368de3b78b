#include <array>
#include <cstring>

#include <gtest/gtest.h>

#include "ft/base/error.h"
#include "ft/train/batch_feed.h"

#include "device_feed.h"

namespace ft {
namespace {

constexpr int kSide = 4;
constexpr std::size_t kBytes = std::size_t{3} * kSide * kSide;  // of an image
constexpr std::size_t kMost = 3;

// Copies late, as a device may: only when someone waits. The compute stream's waiting is not the host's: the
// host's memory may still be read after it, and is counted in `reading` until the host itself has waited.
class LateCopies final : public CopyStream {
 public:
  LateCopies(std::vector<std::string>& log, int& reading) : log_(&log), reading_(&reading) {}
  ~LateCopies() override { wait(); }

  [[nodiscard]] Point compute_so_far() override {
    log_->push_back("point " + std::to_string(points_));
    return std::make_shared<int>(points_++);
  }
  void copies_follow(const Point& point) override {
    log_->push_back("follow " + std::to_string(*static_cast<const int*>(point.get())));
  }
  void copy(torch::Tensor to, const torch::Tensor& from) override {
    if (to.scalar_type() == torch::kUInt8) log_->emplace_back("copy");
    late_.emplace_back(std::move(to), from);
    ++*reading_;
  }
  void compute_follows() override {
    log_->emplace_back("compute follows");
    catch_up();
  }
  void wait() override {
    catch_up();
    *reading_ = 0;
  }

 private:
  void catch_up() {
    for (auto& [to, from] : late_) to.copy_(from);
    late_.clear();
  }

  std::vector<std::string>* log_;
  int* reading_;
  int points_ = 0;
  std::vector<std::pair<torch::Tensor, torch::Tensor>> late_;
};

// Batches of the given sizes in one piece of memory, which each overwrites: image i of batch b is all 16 b +
// i.
class Batches {
 public:
  // `reading`: how many copies may still be reading the memory.
  Batches(std::vector<std::size_t> sizes, const int& reading)
      : sizes_(std::move(sizes)), reading_(&reading) {}

  [[nodiscard]] BatchSource source() {
    return {.next = [this] { return next(); }, .ready = [this] { return is_ready; }};
  }

  bool is_ready = true;
  std::size_t fails_at = 1000;
  std::size_t asked = 0;

 private:
  std::optional<BatchView> next() {
    EXPECT_EQ(*reading_, 0) << "batch " << asked;
    memory_.fill(0xff);
    labels_.fill(-1);
    if (asked == fails_at) throw DataError("sample 7 does not verify");
    if (asked == sizes_.size()) return std::nullopt;
    const std::size_t batch = asked++;
    const std::size_t count = sizes_[batch];
    for (std::size_t i = 0; i < count; ++i) {
      std::memset(&memory_[i * kBytes], static_cast<int>(16 * batch + i), kBytes);
      labels_[i] = static_cast<std::int64_t>(100 * batch + i);
      ids_[i] = 1000 * batch + i;
    }
    return BatchView{std::as_writable_bytes(std::span(memory_)).first(count * kBytes),
                     std::span(labels_).first(count), std::span(ids_).first(count), PixelType::kUint8};
  }

  std::vector<std::size_t> sizes_;
  const int* reading_;
  std::array<std::uint8_t, kMost * kBytes> memory_{};
  std::array<std::int64_t, kMost> labels_{};
  std::array<std::uint64_t, kMost> ids_{};
};

class DeviceFeed : public testing::Test {
 protected:
  [[nodiscard]] std::unique_ptr<BatchFeed> feed_of(Batches& batches) {
    LoaderOptions loading;
    loading.format.type = PixelType::kUint8;
    loading.transform.image_size = kSide;
    loading.transform.mean = {0, 0, 0};
    loading.transform.std = {1, 1, 1};
    loading.max_batch = kMost;
    return make_device_feed(batches.source(), loading, torch::kFloat32, torch::kCPU,
                            std::make_unique<LateCopies>(log, reading));
  }
  static void expect_batch(const std::optional<FedBatch>& batch, std::size_t number, std::size_t count) {
    ASSERT_TRUE(batch);
    ASSERT_EQ(batch->size(), count);
    ASSERT_EQ(batch->images.size(0), static_cast<std::int64_t>(count));
    for (std::size_t i = 0; i < count; ++i) {
      const torch::Tensor image = batch->images[static_cast<std::int64_t>(i)];
      const auto level = static_cast<float>(16 * number + i) / 255.0F;
      EXPECT_EQ(image.min().item<float>(), level);
      EXPECT_EQ(image.max().item<float>(), level);
      EXPECT_EQ(batch->labels[static_cast<std::int64_t>(i)].item<std::int64_t>(), 100 * number + i);
      EXPECT_EQ(batch->sample_ids[i], 1000 * number + i);
    }
  }

  std::vector<std::string> log;
  int reading = 0;
};

TEST_F(DeviceFeed, BringsEveryBatchWithAndWithoutPrefetch) {
  for (const bool prefetches : {false, true}) {
    SCOPED_TRACE(prefetches);
    Batches batches({3, 1, 0, 2, 3}, reading);
    const auto feed = feed_of(batches);
    for (std::size_t number = 0; number < 5; ++number) {
      const auto batch = feed->next();
      if (prefetches) feed->prefetch();
      expect_batch(batch, number, std::array<std::size_t, 5>{3, 1, 0, 2, 3}.at(number));
    }
    EXPECT_FALSE(feed->next());
    EXPECT_FALSE(feed->next());
  }
}

TEST_F(DeviceFeed, CopiesBesideTheStepAndIntoAPlaceThatHasBeenLeft) {
  Batches batches({3, 3, 3, 3}, reading);
  const auto feed = feed_of(batches);
  for (int step = 0; step < 3; ++step) {
    static_cast<void>(feed->next());
    log.emplace_back("step");
    feed->prefetch();
    log.emplace_back("update");
  }
  // Batch 2 goes where 0 was, once the step of 0 is over; and so on. Points 0 and 1 are the places'
  // beginnings.
  const std::vector<std::string> expected{
      "point 0", "point 1",         "follow 0", "copy",     "compute follows",
      "step",    "follow 1",        "copy",     "update",  //
      "point 2", "compute follows", "step",     "follow 2", "copy",
      "update",  //
      "point 3", "compute follows", "step",     "follow 3", "copy",
      "update"};
  EXPECT_EQ(log, expected);
}

TEST_F(DeviceFeed, PrefetchesOneBatchAndOnlyWhatIsReady) {
  Batches batches({3, 3, 3}, reading);
  const auto feed = feed_of(batches);
  static_cast<void>(feed->next());
  batches.is_ready = false;
  feed->prefetch();
  EXPECT_EQ(batches.asked, 1U);
  batches.is_ready = true;
  feed->prefetch();
  feed->prefetch();
  EXPECT_EQ(batches.asked, 2U);
  expect_batch(feed->next(), 1, 3);
}

TEST_F(DeviceFeed, ThrowsWhatTheSourceThrowsInItsTurn) {
  Batches batches({3, 3, 3}, reading);
  batches.fails_at = 1;
  const auto feed = feed_of(batches);
  const auto first = feed->next();
  feed->prefetch();
  expect_batch(first, 0, 3);
  for (int again = 0; again < 2; ++again) EXPECT_THROW(static_cast<void>(feed->next()), DataError);
}

// To the bit, for every level, in every channel, in both types.
TEST_F(DeviceFeed, NormalisesAsTheLoaderDoes) {
  constexpr int kSideOfAll = 16;  // holds each of 256 levels once
  std::vector<std::uint8_t> levels(std::size_t{3} * 256);
  for (std::size_t i = 0; i < levels.size(); ++i) levels[i] = static_cast<std::uint8_t>(i / 3 + 85 * (i % 3));
  LoaderOptions loading;
  loading.transform.image_size = kSideOfAll;
  loading.max_batch = 1;
  const PixelPlan plan =
      test_plan({kSideOfAll, kSideOfAll}, {.image_size = kSideOfAll, .resize = kSideOfAll});
  const std::array<std::int64_t, 1> label{1};
  const std::array<std::uint64_t, 1> id{7};
  const auto fed = [&](PixelType type, const torch::Device& device, torch::ScalarType as) {
    loading.format.type = type;
    const PixelWriter writer(loading.format, loading.transform.mean, loading.transform.std);
    auto memory = std::make_shared<std::vector<std::byte>>(writer.bytes_per_image(kSideOfAll));
    writer.write(plan, 0, kSideOfAll, levels.data(), *memory);
    BatchSource source{.next =
                           [&, memory] {
                             return BatchView{*memory, label, id, type};
                           },
                       .ready = [] { return true; }};
    const auto feed = type == PixelType::kUint8 ? make_device_feed(std::move(source), loading, as, device,
                                                                   std::make_unique<LateCopies>(log, reading))
                                                : make_batch_feed(std::move(source), loading, as, device);
    return feed->next()->images.clone();
  };
  for (const PixelLayout layout : {PixelLayout::kNhwc, PixelLayout::kNchw}) {
    loading.format.layout = layout;
    const torch::Tensor expected = fed(PixelType::kFloat32, torch::kCPU, torch::kFloat32);
    const torch::Tensor found = fed(PixelType::kUint8, torch::kCPU, torch::kFloat32);
    EXPECT_TRUE(torch::equal(found, expected));
    EXPECT_EQ(found.strides(), expected.strides());
    EXPECT_TRUE(torch::equal(fed(PixelType::kUint8, torch::kCPU, torch::kBFloat16),
                             fed(PixelType::kBfloat16, torch::kCPU, torch::kBFloat16)));
  }
}

TEST(HostFeed, SharesTheSourcesMemoryAndRefusesGreyLevels) {
  LoaderOptions loading;
  loading.transform.image_size = kSide;
  std::vector<float> memory(kBytes, 0.5F);
  const std::array<std::int64_t, 1> label{1};
  const std::array<std::uint64_t, 1> id{7};
  const BatchSource source{
      .next =
          [&] {
            return BatchView{std::as_writable_bytes(std::span(memory)), label, id, PixelType::kFloat32};
          },
      .ready = [] { return true; }};
  const auto batch = make_batch_feed(source, loading, torch::kFloat32, torch::kCPU)->next();
  EXPECT_EQ(batch->images.data_ptr(), memory.data());
  EXPECT_EQ(batch->sample_ids.front(), 7U);
  loading.format.type = PixelType::kUint8;
  EXPECT_THROW(static_cast<void>(make_batch_feed(source, loading, torch::kFloat32, torch::kCPU)), Error);
}

TEST(PrepareFor, LeavesTheCpusLoaderAlone) {
  LoaderOptions options;
  prepare_for(torch::kCPU, options);
  EXPECT_EQ(options.format.type, PixelType::kFloat32);
  prepare_for(torch::Device(torch::kCUDA, 0), options);
  EXPECT_EQ(options.format.type, PixelType::kUint8);
}

}  // namespace
}  // namespace ft
