#include "ft/data/loader.h"

#include <condition_variable>
#include <csignal>
#include <deque>
#include <exception>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <opencv2/core/utility.hpp>

#include "ft/base/error.h"

#include "sample_pipeline.h"

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

// A batch in the making. The images belong to whoever holds a task on them, then to the consumer; the mutex
// hands them over.
struct Slot {
  BatchRequest request;
  std::vector<std::byte> images;
  std::vector<std::int64_t> labels;
  std::size_t unfinished = 0;
  std::exception_ptr error;  // of the first sample, in batch order, that failed
  std::size_t failed_at = 0;
};

struct Task {
  Slot* slot;
  std::size_t index;
};

std::size_t bytes_of_image(const LoaderOptions& options) {
  const auto side = static_cast<std::size_t>(options.transform.image_size);
  return 3 * side * side * bytes_per_value(options.format.type);
}

void check_options(const LoaderOptions& options) {
  if (options.workers < 1 || options.slots < 2) {
    throw Error(ExitCode::kBug, fmt::format("a loader with {} workers and {} slots: it needs 1 and 2",
                                            options.workers, options.slots));
  }
}

}  // namespace

struct Loader::Impl {
  Impl(const PackedSet& packed_set, const LoaderOptions& loader_options, Source batch_source);
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl();

  std::optional<BatchView> next();
  void refill();
  void enqueue(BatchRequest request);
  Slot& slot_of(std::uint64_t batch) { return slots[batch % slots.size()]; }

  void work(const std::stop_token& stop);
  std::optional<Task> take_task(const std::stop_token& stop);
  void run_task(const Task& task, SamplePipeline& pipeline);

  const PackedSet& set;
  const LoaderOptions options;
  const Source source;
  const std::size_t image_bytes;

  // The consumer's: batches are numbered in request order, and batch b lives in slot b mod slots.
  bool exhausted = false;
  bool leased = false;
  std::uint64_t requested = 0;
  std::uint64_t consumed = 0;

  mutable std::mutex mutex;
  std::condition_variable_any work_ready;
  std::condition_variable batch_ready;
  std::vector<Slot> slots;
  std::deque<Task> tasks;
  LoaderStats stats;
  std::vector<std::jthread> workers;  // last: joined before what they use goes away
};

Loader::Impl::Impl(const PackedSet& packed_set, const LoaderOptions& loader_options, Source batch_source)
    : set(packed_set),
      options(loader_options),
      source(std::move(batch_source)),
      image_bytes(bytes_of_image(options)) {
  check_options(options);
  // OpenCV's own threads would compete with the workers for the same cores.
  cv::setNumThreads(0);
  slots.resize(static_cast<std::size_t>(options.slots));
  for (Slot& slot : slots) {
    slot.images.resize(options.max_batch * image_bytes);
    slot.labels.resize(options.max_batch);
  }
  const SignalsBlocked blocked;
  for (int i = 0; i < options.workers; ++i) {
    workers.emplace_back([this](const std::stop_token& stop) { work(stop); });
  }
}

Loader::Impl::~Impl() {
  // All at once: a jthread's own destructor would stop them one after the other.
  for (std::jthread& worker : workers) worker.request_stop();
}

std::optional<BatchView> Loader::Impl::next() {
  if (std::exchange(leased, false)) ++consumed;
  refill();
  if (consumed == requested) return std::nullopt;
  Slot& slot = slot_of(consumed);
  {
    std::unique_lock lock(mutex);
    batch_ready.wait(lock, [&slot] { return slot.unfinished == 0; });
  }
  // The failed batch stays where it is, so that whoever asks again gets the same answer.
  if (slot.error) std::rethrow_exception(slot.error);
  leased = true;
  const std::size_t n = slot.request.sample_ids.size();
  return BatchView{std::span(slot.images).first(n * image_bytes), std::span(slot.labels).first(n),
                   slot.request.sample_ids};
}

void Loader::Impl::refill() {
  while (!exhausted && requested - consumed < slots.size()) {
    if (std::optional<BatchRequest> request = source()) {
      enqueue(std::move(*request));
    } else {
      exhausted = true;
    }
  }
}

void Loader::Impl::enqueue(BatchRequest request) {
  const std::size_t n = request.sample_ids.size();
  if (n > options.max_batch) {
    throw Error(ExitCode::kBug,
                fmt::format("a request of {} samples; the loader was made for {}", n, options.max_batch));
  }
  {
    const std::lock_guard lock(mutex);
    Slot& slot = slot_of(requested);
    slot.request = std::move(request);
    slot.unfinished = n;
    for (std::size_t i = 0; i < n; ++i) tasks.push_back({&slot, i});
  }
  ++requested;
  work_ready.notify_all();
}

void Loader::Impl::work(const std::stop_token& stop) {
  SamplePipeline pipeline(set, options);
  while (const std::optional<Task> task = take_task(stop)) run_task(*task, pipeline);
}

std::optional<Task> Loader::Impl::take_task(const std::stop_token& stop) {
  std::unique_lock lock(mutex);
  work_ready.wait(lock, stop, [this] { return !tasks.empty(); });
  if (stop.stop_requested()) return std::nullopt;
  const Task task = tasks.front();
  tasks.pop_front();
  return task;
}

void Loader::Impl::run_task(const Task& task, SamplePipeline& pipeline) {
  Slot& slot = *task.slot;
  const BatchRequest& request = slot.request;
  LoaderStats spent;
  std::exception_ptr error;
  try {
    const auto image = std::span(slot.images).subspan(task.index * image_bytes, image_bytes);
    slot.labels[task.index] = pipeline.load(request.epoch, request.sample_ids[task.index], image, spent);
  } catch (...) {
    error = std::current_exception();
  }

  const std::lock_guard lock(mutex);
  stats.read_s += spent.read_s;
  stats.decode_s += spent.decode_s;
  stats.resize_s += spent.resize_s;
  stats.write_s += spent.write_s;
  stats.samples += spent.samples;
  // The batch is finished whatever fails: which error is reported must not depend on who was fastest.
  if (error && (!slot.error || task.index < slot.failed_at)) {
    slot.error = error;
    slot.failed_at = task.index;
  }
  if (--slot.unfinished == 0) batch_ready.notify_one();
}

Loader::Loader(const PackedSet& set, const LoaderOptions& options, Source source)
    : impl_(std::make_unique<Impl>(set, options, std::move(source))) {}

Loader::~Loader() = default;

std::optional<BatchView> Loader::next() {
  return impl_->next();
}

LoaderStats Loader::stats() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->stats;
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
