#include "ft/data/loader.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <exception>
#include <limits>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <opencv2/core/utility.hpp>

#include "ft/base/error.h"

#include "batch_slot.h"
#include "sample_pipeline.h"
#include "worker_stats.h"

namespace ft {
namespace {

// While it lives, threads that are started inherit a mask under which signals sent to the process go to the
// main thread. What a fault of the thread's own raises stays open, for whoever reports crashes.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t blocked;
    sigfillset(&blocked);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP}) sigdelset(&blocked, fault);
    pthread_sigmask(SIG_BLOCK, &blocked, &before_);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

std::size_t bytes_of_image(const LoaderOptions& options) {
  const auto side = static_cast<std::size_t>(options.transform.image_size);
  return 3 * side * side * bytes_per_value(options.format.type);
}

// Batches of at most max_batch that hold `samples`; none where all batches are empty.
std::size_t batches_for(std::size_t samples, const LoaderOptions& options) {
  return options.max_batch == 0 ? 0 : (samples + options.max_batch - 1) / options.max_batch;
}

void check_options(const LoaderOptions& options) {
  if (options.workers < 1 || options.slots == 1 || options.slots < 0 || options.read_ahead < 0 ||
      options.max_batch > std::numeric_limits<std::uint32_t>::max()) {
    throw Error(ExitCode::kBug,
                fmt::format("a loader with {} workers, {} slots, read-ahead {} and batches of {}",
                            options.workers, options.slots, options.read_ahead, options.max_batch));
  }
}

}  // namespace

LoaderDepth loader_depth(const LoaderOptions& options) {
  check_options(options);
  const std::size_t in_work =
      std::max<std::size_t>(1, batches_for(2 * static_cast<std::size_t>(options.workers), options));
  return {options.slots > 0 ? static_cast<std::size_t>(options.slots) : 1 + in_work,
          batches_for(static_cast<std::size_t>(options.read_ahead), options)};
}

// Note [Batches and samples]: batches are numbered in request order; batch b lives in slot b mod slots, its
// request in a longer ring, where those follow that are only read ahead. The consumer opens slots; each
// worker claims samples of the oldest open batch and goes on to the next when none is left. So whoever is
// free takes what is needed soonest, as with work stealing, and nothing is shared but one ticket a slot.
struct Loader::Impl {
  Impl(const PackedSet& packed_set, LoaderOptions loader_options, Source batch_source);
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl();

  std::optional<BatchView> next();
  bool ready();
  void refill();
  void ask_source();
  void open_slots();
  void wait_for(const BatchSlot& slot);

  void work(const std::stop_token& stop, WorkerStats& mine);
  [[nodiscard]] bool wait_for_batch(std::uint64_t batch, const std::stop_token& stop);
  void read_ahead_of(std::uint64_t batch, std::size_t index) const;

  BatchSlot& slot_of(std::uint64_t batch) { return slots[batch % slots.size()]; }
  const BatchRequest& request_of(std::uint64_t batch) const { return requests[batch % requests.size()]; }

  const PackedSet& set;
  const LoaderOptions options;
  const LoaderDepth depth;
  const Source source;

  // The consumer's.
  bool exhausted = false;
  bool leased = false;
  std::uint64_t consumed = 0;

  std::vector<BatchRequest> requests;
  std::deque<BatchSlot> slots;
  std::vector<WorkerStats> stats;

  // Written by the consumer, once a batch.
  alignas(kCacheLine) std::atomic<std::uint64_t> requested{0};
  std::atomic<std::uint64_t> opened{0};

  // For sleeping only: taken when there is nothing to do, and once a batch to wake the sleepers.
  alignas(kCacheLine) std::mutex sleeping;
  std::condition_variable_any work_ready;
  std::condition_variable batch_ready;

  std::vector<std::jthread> workers;  // last: joined before what they use goes away
};

Loader::Impl::Impl(const PackedSet& packed_set, LoaderOptions loader_options, Source batch_source)
    : set(packed_set),
      options(std::move(loader_options)),
      depth(loader_depth(options)),
      source(std::move(batch_source)),
      requests(depth.slots + depth.read_ahead),
      stats(static_cast<std::size_t>(options.workers)) {
  // OpenCV's own threads would compete with the workers for the same cores.
  cv::setNumThreads(0);
  const std::size_t image_bytes = bytes_of_image(options);
  for (std::size_t i = 0; i < depth.slots; ++i)
    slots.emplace_back(options.max_batch, image_bytes, options.allocate(options.max_batch * image_bytes));
  for (BatchRequest& request : requests) request.sample_ids.reserve(options.max_batch);
  const SignalsBlocked blocked;
  for (WorkerStats& mine : stats) {
    workers.emplace_back([this, &mine](const std::stop_token& stop) { work(stop, mine); });
  }
}

Loader::Impl::~Impl() {
  // All at once: a jthread's own destructor would stop them one after the other.
  for (std::jthread& worker : workers) worker.request_stop();
}

std::optional<BatchView> Loader::Impl::next() {
  if (std::exchange(leased, false)) ++consumed;
  refill();
  if (consumed == requested.load(std::memory_order_relaxed)) return std::nullopt;
  BatchSlot& slot = slot_of(consumed);
  wait_for(slot);
  // The failed batch stays where it is, so that whoever asks again gets the same answer.
  if (slot.error()) std::rethrow_exception(slot.error());
  leased = true;
  return BatchView{slot.images(), slot.labels(), request_of(consumed).sample_ids, options.format.type};
}

bool Loader::Impl::ready() {
  const std::uint64_t batch = consumed + (leased ? 1 : 0);
  if (batch >= opened.load(std::memory_order_relaxed))
    return exhausted && batch == requested.load(std::memory_order_relaxed);
  return slot_of(batch).finished();
}

void Loader::Impl::refill() {
  while (!exhausted && requested.load(std::memory_order_relaxed) - consumed < requests.size()) ask_source();
  open_slots();
}

void Loader::Impl::ask_source() {
  const std::uint64_t batch = requested.load(std::memory_order_relaxed);
  BatchRequest& request = requests[batch % requests.size()];
  request.epoch = 0;
  request.sample_ids.clear();
  if (!source(request)) {
    exhausted = true;
    return;
  }
  if (request.sample_ids.size() > options.max_batch) {
    throw Error(ExitCode::kBug, fmt::format("a request of {} samples; the loader was made for {}",
                                            request.sample_ids.size(), options.max_batch));
  }
  requested.store(batch + 1, std::memory_order_release);
}

void Loader::Impl::open_slots() {
  const std::uint64_t before = opened.load(std::memory_order_relaxed);
  const std::uint64_t after = std::min(requested.load(std::memory_order_relaxed), consumed + slots.size());
  if (after == before) return;
  for (std::uint64_t batch = before; batch < after; ++batch) {
    slot_of(batch).open(batch, request_of(batch).sample_ids.size());
  }
  {
    const std::lock_guard lock(sleeping);
    opened.store(after, std::memory_order_release);
  }
  work_ready.notify_all();
}

void Loader::Impl::wait_for(const BatchSlot& slot) {
  if (slot.finished()) return;
  std::unique_lock lock(sleeping);
  batch_ready.wait(lock, [&slot] { return slot.finished(); });
}

void Loader::Impl::work(const std::stop_token& stop, WorkerStats& mine) {
  SamplePipeline pipeline(set, options);
  LoaderStats total;
  std::uint64_t batch = 0;
  while (!stop.stop_requested()) {
    if (batch == opened.load(std::memory_order_acquire) && !wait_for_batch(batch, stop)) return;
    BatchSlot& slot = slot_of(batch);
    const std::optional<std::size_t> index = slot.claim(batch);
    if (!index) {
      ++batch;
      continue;
    }
    read_ahead_of(batch, *index);
    const BatchRequest& request = request_of(batch);
    try {
      slot.labels()[*index] =
          pipeline.load(request.epoch, request.sample_ids[*index], slot.image(*index), total);
    } catch (...) {
      // The batch is finished whatever fails: which error is reported must not depend on who was fastest.
      slot.fail(*index, std::current_exception());
    }
    mine.publish(total);
    if (slot.finish()) {
      { const std::lock_guard lock(sleeping); }
      batch_ready.notify_one();
    }
  }
}

bool Loader::Impl::wait_for_batch(std::uint64_t batch, const std::stop_token& stop) {
  std::unique_lock lock(sleeping);
  return work_ready.wait(lock, stop,
                         [this, batch] { return batch != opened.load(std::memory_order_acquire); });
}

// Along with a sample, the one that many further on in the stream of requests, so that the disk moves on as
// the decoders do. Requests from `batch` on cannot be replaced while a claim on it is held.
void Loader::Impl::read_ahead_of(std::uint64_t batch, std::size_t index) const {
  if (options.read_ahead == 0) return;
  const std::uint64_t end = requested.load(std::memory_order_acquire);
  std::size_t further = index + static_cast<std::size_t>(options.read_ahead);
  for (; batch < end; ++batch) {
    const std::vector<std::uint64_t>& ids = request_of(batch).sample_ids;
    if (further < ids.size()) return set.prefetch(ids[further]);
    further -= ids.size();
  }
}

Loader::Loader(const PackedSet& set, const LoaderOptions& options, Source source)
    : impl_(std::make_unique<Impl>(set, options, std::move(source))) {}

Loader::~Loader() = default;

std::optional<BatchView> Loader::next() {
  return impl_->next();
}

bool Loader::ready() const {
  return impl_->ready();
}

LoaderStats Loader::stats() const {
  LoaderStats sum;
  for (const WorkerStats& worker : impl_->stats) worker.add_to(sum);
  return sum;
}

void load_samples(const PackedSet& set, const LoaderOptions& options, const BatchRequest& request,
                  std::span<std::byte> images, std::span<std::int64_t> labels) {
  const std::size_t n = request.sample_ids.size();
  const std::size_t image_bytes = bytes_of_image(options);
  if (labels.size() != n || images.size() != n * image_bytes) {
    throw Error(ExitCode::kBug,
                fmt::format("{} samples do not fit {} labels and {} bytes", n, labels.size(), images.size()));
  }
  SamplePipeline pipeline(set, options);
  LoaderStats stats;
  for (std::size_t i = 0; i < n; ++i) {
    labels[i] = pipeline.load(request.epoch, request.sample_ids[i],
                              images.subspan(i * image_bytes, image_bytes), stats);
  }
}

}  // namespace ft
