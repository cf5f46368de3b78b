#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstring>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/base/error.h"
#include "ft/data/loader.h"

#include "patterned_image.h"
#include "temporary_directory.h"
#include "tiny_jpegs.h"
#include "tiny_packed_set.h"

namespace ft {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::uint64_t kSamples = 23;
constexpr int kImageSize = 12;
constexpr std::size_t kImageFloats = 3 * kImageSize * kImageSize;

// Pictures of different sizes; every fifth a JPEG.
TinyPackedSet make_samples() {
  TinyPackedSet samples;
  for (int i = 0; i < static_cast<int>(kSamples); ++i) {
    if (i % 5 == 4) {
      samples.add(Codec::kJpeg, kTinyJpegWidth, kTinyJpegHeight, i % 2, bytes_of_hex(kTinyRgbJpeg));
    } else {
      samples.add_raw(patterned_image(20 + 7 * i, 60 - 2 * i), i % 2);
    }
  }
  return samples;
}

LoaderOptions small_options(int workers) {
  LoaderOptions options;
  options.workers = workers;
  options.max_batch = 8;
  options.seed = 5;
  options.transform.image_size = kImageSize;
  options.transform.resize = 14;
  return options;
}

// A source that hands out these requests.
Loader::Source source_of(std::vector<BatchRequest> requests) {
  return [requests = std::move(requests), next = std::size_t{0}](BatchRequest& request) mutable {
    if (next == requests.size()) return false;
    request = requests[next++];
    return true;
  };
}

std::span<std::byte> bytes_of(std::vector<float>& floats) {
  return std::as_writable_bytes(std::span(floats));
}

class LoaderTest : public testing::Test {
 protected:
  void SetUp() override { make_samples().write(directory_.path()); }

  TemporaryDirectory directory_;
};

// Empty batches, full ones, and more of them than there are slots.
std::vector<BatchRequest> mixed_requests() {
  std::vector<BatchRequest> requests{{0, {}}, {0, {3, 1, 4, 1, 5, 9, 2, 6}}};
  for (std::uint32_t epoch = 0; epoch < 4; ++epoch) {
    for (std::uint64_t first = 0; first < kSamples; first += 8) {
      BatchRequest request{epoch, {}};
      for (std::uint64_t id = first; id < std::min(first + 8, kSamples); ++id) {
        request.sample_ids.push_back((id * 5 + epoch) % kSamples);
      }
      requests.push_back(request);
    }
    requests.push_back({epoch, {}});
  }
  return requests;
}

void expect_as_load_samples(const PackedSet& set, const LoaderOptions& options) {
  const auto requests = mixed_requests();
  Loader loader(set, options, source_of(requests));
  std::vector<float> images;
  std::vector<std::int64_t> labels;
  std::uint64_t samples = 0;
  for (const BatchRequest& request : requests) {
    const auto batch = loader.next();
    ASSERT_TRUE(batch.has_value());
    images.assign(request.sample_ids.size() * kImageFloats, -1.0F);
    labels.assign(request.sample_ids.size(), -1);
    load_samples(set, options, request, bytes_of(images), labels);
    EXPECT_THAT(batch->sample_ids, testing::ElementsAreArray(request.sample_ids));
    EXPECT_THAT(batch->labels, testing::ElementsAreArray(labels));
    ASSERT_TRUE(std::ranges::equal(batch->images, bytes_of(images)));
    EXPECT_EQ(batch->type, PixelType::kFloat32);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(batch->images.data()) % 64, 0U);
    samples += batch->size();
  }
  EXPECT_FALSE(loader.next().has_value());
  EXPECT_FALSE(loader.next().has_value());
  const LoaderStats stats = loader.stats();
  EXPECT_EQ(stats.samples, samples);
  EXPECT_GT(stats.read_s, 0);
  EXPECT_GT(stats.decode_s, 0);
  EXPECT_GT(stats.resize_s, 0);
  EXPECT_GT(stats.write_s, 0);
}

TEST_F(LoaderTest, GivesTheSameBytesWithAnyNumberOfWorkersAndSlots) {
  const PackedSet set(directory_.path());
  for (int workers = 1; workers <= 8; ++workers) {
    SCOPED_TRACE(workers);
    LoaderOptions options = small_options(workers);
    options.slots = workers % 3 == 0 ? 0 : 1 + workers;
    options.read_ahead = 5 * (workers % 4);
    expect_as_load_samples(set, options);
    options.augment = false;
    options.format.layout = PixelLayout::kNchw;
    expect_as_load_samples(set, options);
  }
}

TEST_F(LoaderTest, LayoutsHoldTheSameValues) {
  const PackedSet set(directory_.path());
  LoaderOptions options = small_options(1);
  std::vector<float> nhwc(2 * kImageFloats);
  std::vector<float> nchw(2 * kImageFloats);
  std::vector<std::int64_t> labels(2);
  load_samples(set, options, {0, {7, 4}}, bytes_of(nhwc), labels);
  EXPECT_THAT(labels, ElementsAre(1, 0));
  options.format.layout = PixelLayout::kNchw;
  load_samples(set, options, {0, {7, 4}}, bytes_of(nchw), labels);
  constexpr std::size_t kArea = kImageFloats / 3;
  for (std::size_t i = 0; i < nhwc.size(); ++i) {
    const std::size_t image = i / kImageFloats;
    const std::size_t pixel = i % kImageFloats / 3;
    ASSERT_EQ(nhwc[i], nchw[image * kImageFloats + i % 3 * kArea + pixel]) << i;
  }
}

TEST_F(LoaderTest, EpochsDifferWithAugmentationOnly) {
  const PackedSet set(directory_.path());
  LoaderOptions options = small_options(1);
  const auto load = [&](std::uint32_t epoch) {
    std::vector<float> images(kImageFloats);
    std::vector<std::int64_t> labels(1);
    load_samples(set, options, {epoch, {3}}, bytes_of(images), labels);
    return images;
  };
  EXPECT_NE(load(0), load(1));
  options.augment = false;
  EXPECT_EQ(load(0), load(1));
}

TEST_F(LoaderTest, AsksItsSourceInOrderAndNoFurtherThanItsSlotsAndReadAhead) {
  const PackedSet set(directory_.path());
  int asked = 0;
  LoaderOptions options = small_options(2);
  options.slots = 3;
  options.read_ahead = 9;  // two batches of up to eight
  Loader loader(set, options, [&asked](BatchRequest& request) {
    EXPECT_TRUE(request.sample_ids.empty());
    request.sample_ids.push_back(static_cast<std::uint64_t>(asked++) % kSamples);
    return true;
  });
  EXPECT_EQ(asked, 0);
  for (int i = 0; i < 10; ++i) {
    const auto batch = loader.next();
    ASSERT_TRUE(batch.has_value());
    EXPECT_THAT(batch->sample_ids, ElementsAre(i));
    EXPECT_EQ(asked, i + 3 + 2);
  }
}

// Threads of this process under whose mask signals to the process are someone else's.
int threads_that_block_signals() {
  int count = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream status(task.path() / "status");
    for (std::string line; std::getline(status, line);) {
      if (!line.starts_with("SigBlk:")) continue;
      const auto blocked = std::stoull(line.substr(7), nullptr, 16);
      const auto has = [blocked](int signal) { return (blocked >> (signal - 1) & 1U) != 0; };
      if (has(SIGUSR1) && has(SIGTERM) && has(SIGINT) && !has(SIGSEGV)) ++count;
    }
  }
  return count;
}

TEST_F(LoaderTest, WorkersLeaveSignalsToTheMainThread) {
  const PackedSet set(directory_.path());
  const Loader loader(set, small_options(3), source_of({}));
  // A thread that was made and has not run yet blocks everything.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (threads_that_block_signals() < 3 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  EXPECT_EQ(threads_that_block_signals(), 3);
  sigset_t own;
  pthread_sigmask(SIG_SETMASK, nullptr, &own);
  EXPECT_EQ(sigismember(&own, SIGUSR1), 0);
}

TEST_F(LoaderTest, RefusesARequestThatDoesNotFit) {
  const PackedSet set(directory_.path());
  Loader loader(set, small_options(1), source_of({{0, {0, 1, 2, 3, 4, 5, 6, 7, 8}}}));
  EXPECT_THROW(static_cast<void>(loader.next()), Error);
  LoaderOptions one_slot = small_options(1);
  one_slot.slots = 1;
  EXPECT_THROW(Loader(set, one_slot, source_of({})), Error);
}

TEST_F(LoaderTest, IsReadyWhenNextWouldNotWait) {
  const PackedSet set(directory_.path());
  LoaderOptions options = small_options(2);
  options.slots = 2;
  Loader loader(set, options, source_of({{0, {1, 2}}, {0, {3}}, {0, {}}}));
  const auto expect_ready_soon = [&] {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!loader.ready() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    EXPECT_TRUE(loader.ready());
  };
  EXPECT_FALSE(loader.ready());  // nothing has been asked for
  static_cast<void>(loader.next());
  expect_ready_soon();
  EXPECT_EQ(loader.next()->size(), 1U);
  expect_ready_soon();
  EXPECT_EQ(loader.next()->size(), 0U);
  expect_ready_soon();  // to say that it is the end
  EXPECT_FALSE(loader.next());
  EXPECT_TRUE(loader.ready());
}

TEST_F(LoaderTest, WritesIntoTheMemoryItIsGiven) {
  const PackedSet set(directory_.path());
  LoaderOptions options = small_options(1);
  options.slots = 2;
  std::vector<std::pair<std::byte*, std::size_t>> given;
  options.allocate = [&given](std::size_t bytes) {
    BatchMemory memory = allocate_batch(bytes);
    given.emplace_back(memory.get(), bytes);
    return memory;
  };
  Loader loader(set, options, source_of({{0, {1, 2}}, {0, {3}}}));
  ASSERT_EQ(given.size(), 2U);
  EXPECT_GE(given[0].second, options.max_batch * kImageFloats * sizeof(float));
  for (const auto& [begin, bytes] : given) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(begin) % kCacheLine, 0U);
    EXPECT_EQ(loader.next()->images.data(), begin);
  }
}

TEST_F(LoaderTest, GoesAwayAtAnyMoment) {
  const PackedSet set(directory_.path());
  for (int batches = 0; batches < 40; ++batches) {
    Loader loader(set, small_options(1 + batches % 4), source_of(mixed_requests()));
    for (int i = 0; i < batches % 10; ++i) ASSERT_TRUE(loader.next().has_value());
  }
}

TEST_F(LoaderTest, BatchesOfBfloat16AreTheFloatsRounded) {
  const PackedSet set(directory_.path());
  LoaderOptions options = small_options(1);
  std::vector<float> floats(kImageFloats);
  std::vector<std::int64_t> labels(1);
  load_samples(set, options, {2, {3}}, bytes_of(floats), labels);
  options.format.type = PixelType::kBfloat16;
  Loader loader(set, options, source_of({{2, {3}}}));
  const auto batch = loader.next();
  ASSERT_EQ(batch->images.size(), 2 * kImageFloats);
  EXPECT_EQ(batch->type, PixelType::kBfloat16);
  for (std::size_t i = 0; i < kImageFloats; ++i) {
    std::uint16_t stored = 0;
    std::memcpy(&stored, batch->images.data() + 2 * i, 2);
    const auto value = std::bit_cast<float>(std::uint32_t{stored} << 16);
    ASSERT_LE(std::abs(value - floats[i]), std::abs(floats[i]) / 256) << i;  // half a unit in the last place
  }
}

TEST(LoaderDepth, IsTwoBatchesAndMoreWhereTheyAreSmall) {
  const auto depth = [](int workers, std::size_t max_batch, int read_ahead) {
    LoaderOptions options;
    options.workers = workers;
    options.max_batch = max_batch;
    options.read_ahead = read_ahead;
    const LoaderDepth chosen = loader_depth(options);
    return std::pair(chosen.slots, chosen.read_ahead);
  };
  EXPECT_EQ(depth(8, 128, 64), std::pair(std::size_t{2}, std::size_t{1}));
  EXPECT_EQ(depth(8, 4, 64), std::pair(std::size_t{5}, std::size_t{16}));
  EXPECT_EQ(depth(1, 1, 0), std::pair(std::size_t{3}, std::size_t{0}));
  EXPECT_EQ(depth(4, 0, 64).first, 2U);  // a rank that never gets images
}

// Two damaged pictures in the second batch: whichever worker is faster, the earlier one in it is reported.
TEST(LoaderErrors, NameTheFirstDamagedSampleOfTheBatch) {
  const TemporaryDirectory directory;
  TinyPackedSet samples = make_samples();
  auto cut = bytes_of_hex(kTinyRgbJpeg);
  cut.resize(cut.size() - 12);
  for (int i = 0; i < 2; ++i) samples.add(Codec::kJpeg, kTinyJpegWidth, kTinyJpegHeight, 0, cut);
  samples.write(directory.path());
  const PackedSet set(directory.path());
  for (int workers = 1; workers <= 4; ++workers) {
    const BatchRequest good{0, {0, 1, 2, 3}};
    const BatchRequest bad{0, {0, 1, kSamples + 1, 3, kSamples, 5}};
    Loader loader(set, small_options(workers), source_of({good, bad, good}));
    EXPECT_TRUE(loader.next().has_value());
    for (int attempt = 0; attempt < 2; ++attempt) {
      try {
        static_cast<void>(loader.next());
        ADD_FAILURE() << "no error";
      } catch (const DataError& error) {
        EXPECT_THAT(error.what(),
                    AllOf(HasSubstr("sample 24 "), HasSubstr("class/24.bin"), HasSubstr("truncated")));
      }
    }
  }
}

TEST(LoaderErrors, AnUnknownSampleIsOne) {
  const TemporaryDirectory directory;
  make_samples().write(directory.path());
  const PackedSet set(directory.path());
  Loader loader(set, small_options(2), source_of({{0, {1, kSamples}}}));
  EXPECT_THROW(static_cast<void>(loader.next()), DataError);
}

// Minutes of work are queued; going away takes no longer than the samples in flight.
TEST(LoaderShutdown, IsPromptInTheMiddleOfABatch) {
  const TemporaryDirectory directory;
  TinyPackedSet samples;
  samples.add_raw(patterned_image(1500, 1200), 0);
  samples.write(directory.path());
  const PackedSet set(directory.path());
  LoaderOptions options = small_options(3);
  options.transform.image_size = 2;
  options.max_batch = 100'000;
  bool first = true;
  auto loader = std::make_unique<Loader>(set, options, [&first](BatchRequest& request) {
    if (!std::exchange(first, false)) request.sample_ids.assign(100'000, 0);
    return true;
  });
  ASSERT_TRUE(loader->next().has_value());
  while (loader->stats().samples == 0) std::this_thread::yield();
  const auto start = std::chrono::steady_clock::now();
  loader.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

}  // namespace
}  // namespace ft
