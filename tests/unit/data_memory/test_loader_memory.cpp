// What the loader costs in memory once it runs: no allocation a sample, and a size that stays.
// This program counts every operator new, and apart from that what libraries get from malloc.
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <new>

#include <gtest/gtest.h>
#include <unistd.h>

#include "ft/data/loader.h"
#include "ft/data/step_plan.h"

#include "patterned_image.h"
#include "temporary_directory.h"
#include "tiny_jpegs.h"
#include "tiny_packed_set.h"

namespace {

std::atomic<std::uint64_t> allocations{0};
std::atomic<std::uint64_t> library_allocations{0};

void* counted(std::size_t bytes, std::size_t alignment) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  const std::size_t whole = (bytes + alignment - 1) / alignment * alignment;
  void* const memory = std::aligned_alloc(alignment, whole == 0 ? alignment : whole);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define FT_COUNTS_MALLOC
// glibc's own, under the name that it keeps for those who replace malloc.
extern "C" void* __libc_malloc(std::size_t bytes);  // NOLINT(bugprone-reserved-identifier)
extern "C" void* malloc(std::size_t bytes) {
  library_allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_malloc(bytes);
}
#endif

// The array and nothrow forms call these.
void* operator new(std::size_t bytes) {
  return counted(bytes, __STDCPP_DEFAULT_NEW_ALIGNMENT__);
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return counted(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

namespace ft {
namespace {

constexpr std::uint64_t kSamples = 12;
constexpr std::uint64_t kBatch = 5;

// Of one size, so that a worker that has done one sample has all the buffers that it will need.
TinyPackedSet raw_samples() {
  TinyPackedSet samples;
  for (std::uint64_t i = 0; i < kSamples; ++i) samples.add_raw(patterned_image(90, 70), i % 2 == 0 ? 0 : 1);
  return samples;
}

TinyPackedSet jpeg_samples() {
  TinyPackedSet samples;
  for (std::uint64_t i = 0; i < kSamples; ++i) {
    samples.add(Codec::kJpeg, kTinyJpegWidth, kTinyJpegHeight, 0, bytes_of_hex(kTinyRgbJpeg));
  }
  return samples;
}

LoaderOptions options_with(int workers, bool augment) {
  LoaderOptions options;
  options.workers = workers;
  options.max_batch = kBatch;
  options.augment = augment;
  options.transform.image_size = 16;
  options.transform.resize = 20;
  return options;
}

// Epoch after epoch, by a plan as training has it. The epochs repeat, so that crops do: the largest of them
// sizes some buffers.
Loader::Source endless(const StepPlan& plan, std::uint64_t different_epochs) {
  const std::uint64_t steps = different_epochs * plan.steps_per_epoch();
  return [&plan, steps, step = std::uint64_t{0}, cursor = BatchCursor(plan)](BatchRequest& request) mutable {
    const std::uint64_t now = step++ % steps + 1;
    request.epoch = plan.position_of(now).epoch;
    const auto ids = cursor.batch(now);
    request.sample_ids.assign(ids.begin(), ids.end());
    return true;
  };
}

void consume(Loader& loader, std::uint64_t batches) {
  for (std::uint64_t i = 0; i < batches; ++i) static_cast<void>(loader.next());
}

// A worker that a busy machine lets in late allocates its buffers late. What is allocated for each sample or
// batch never ends, so one quiet stretch is what to wait for.
bool has_a_quiet_stretch(Loader& loader) {
  constexpr int kAttempts = 50;
  constexpr std::uint64_t kBatches = 60;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const std::uint64_t before = allocations;
    consume(loader, kBatches);
    if (allocations == before) return true;
  }
  return false;
}

void expect_no_allocations(const TinyPackedSet& samples, bool augment) {
  const TemporaryDirectory directory;
  samples.write(directory.path());
  const PackedSet set(directory.path());
  const StepPlan plan(set.size(), {}, kBatch, 1);
  for (const int workers : {1, 2, 4}) {
    Loader loader(set, options_with(workers, augment), endless(plan, augment ? 2 : 5));
    EXPECT_TRUE(has_a_quiet_stretch(loader)) << workers << " workers";
  }
}

TEST(LoaderAllocations, AreNoneASampleForRawPixels) {
  expect_no_allocations(raw_samples(), false);
  expect_no_allocations(raw_samples(), true);
}

TEST(LoaderAllocations, AreNoneOfOursASampleForJpegs) {
  expect_no_allocations(jpeg_samples(), false);
  expect_no_allocations(jpeg_samples(), true);
}

// libjpeg takes its pools from malloc, anew for each picture: ten times for these.
TEST(LoaderAllocations, AreFewALibjpegSample) {
#ifndef FT_COUNTS_MALLOC
  GTEST_SKIP() << "malloc is a sanitizer's here, or another C library's";
#endif
  constexpr std::uint64_t kMostASample = 12, kSamplesMeasured = 200 * kBatch;
  for (const bool jpeg : {false, true}) {
    const TemporaryDirectory directory;
    (jpeg ? jpeg_samples() : raw_samples()).write(directory.path());
    const PackedSet set(directory.path());
    LoaderOptions options = options_with(1, true);
    Loader loader(set, options, [](BatchRequest& request) {
      request.sample_ids.assign(kBatch, 3);
      return true;
    });
    consume(loader, 10);
    const std::uint64_t before = library_allocations;
    consume(loader, kSamplesMeasured / kBatch);
    const std::uint64_t count = library_allocations - before;
    RecordProperty(jpeg ? "a_thousand_jpegs" : "a_thousand_raw", std::to_string(count));
    EXPECT_LE(count, jpeg ? kMostASample * (kSamplesMeasured + 20 * kBatch) : 0) << (jpeg ? "jpeg" : "raw");
  }
}

TEST(LoaderAllocations, AreCountedHere) {
  const std::uint64_t before = allocations;
  const std::vector<int> numbers(7);
  EXPECT_EQ(allocations, before + 1);
}

std::uint64_t resident_bytes() {
  std::uint64_t size = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> size >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

TEST(LoaderMemory, StaysAsItIsOverFiftyEpochs) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer keeps freed memory and shadows of what is used: the size is its own";
#endif
  constexpr std::uint64_t kMostGrowth = std::uint64_t{1} << 20;
  const TemporaryDirectory directory;
  TinyPackedSet samples;
  for (int i = 0; i < 40; ++i) {
    if (i % 2 == 0) {
      samples.add_raw(patterned_image(200 + i, 300 - i), 0);
    } else {
      samples.add(Codec::kJpeg, kTinyJpegWidth, kTinyJpegHeight, 1, bytes_of_hex(kTinyRgbJpeg));
    }
  }
  samples.write(directory.path());
  const PackedSet set(directory.path());
  const StepPlan plan(set.size(), {}, kBatch, 1);
  Loader loader(set, options_with(2, true), endless(plan, 1000));
  consume(loader, 10 * plan.steps_per_epoch());
  const std::uint64_t warm = resident_bytes();
  consume(loader, 50 * plan.steps_per_epoch());
  EXPECT_LT(resident_bytes(), warm + kMostGrowth);
}

}  // namespace
}  // namespace ft
