#include "direct_engine.h"

#include <algorithm>
#include <utility>

#include "ft/base/error.h"
#include "ft/comm/poll.h"

#include "exchange_reduction.h"
#include "mpi_error.h"
#include "two_level_reduction.h"

namespace ft {

namespace {

// What has come calls for more messages, some of which can go at once: a test that is called seldom, between
// two layers of backward, moves on as far as it can, within bounds.
constexpr int kRoundsPerTest = 8;

}  // namespace

// A reduction and the port that carries its messages.
class DirectEngine::Operation final : public MessagePort {
 public:
  Operation(DirectEngine& engine, const ReductionTask& task, int tag_pair)
      : reduction(engine.make_reduction(task)), engine_(&engine), tag_pair_(tag_pair) {}

  void send(const void* data, std::size_t bytes, int peer, MessageKind kind, std::size_t segment) override {
    MPI_Request request = MPI_REQUEST_NULL;
    check_mpi(MPI_Isend(data, static_cast<int>(bytes), MPI_BYTE, peer, tag(kind), engine_->comm_, &request),
              "MPI_Isend");
    keep(request, {this, peer, kind, segment, /*sending=*/true});
    bytes_sent_ += bytes;
  }
  void receive(void* data, std::size_t bytes, int peer, MessageKind kind, std::size_t segment) override {
    MPI_Request request = MPI_REQUEST_NULL;
    check_mpi(MPI_Irecv(data, static_cast<int>(bytes), MPI_BYTE, peer, tag(kind), engine_->comm_, &request),
              "MPI_Irecv");
    keep(request, {this, peer, kind, segment, /*sending=*/false});
  }
  void completed(const Message& message) {
    if (message.sending) {
      reduction->sent(message.peer, message.kind, message.segment, *this);
    } else {
      reduction->received(message.peer, message.kind, message.segment, *this);
    }
  }
  [[nodiscard]] int tag_pair() const noexcept { return tag_pair_; }
  [[nodiscard]] std::uint64_t bytes_sent() const noexcept { return bytes_sent_; }

  std::unique_ptr<Reduction> reduction;

 private:
  [[nodiscard]] int tag(MessageKind kind) const noexcept {
    return kFirstDirectTag + 2 * tag_pair_ + (kind == MessageKind::kSum ? 1 : 0);
  }
  void keep(MPI_Request request, const Message& message) {
    engine_->requests_.push_back(request);
    engine_->messages_.push_back(message);
  }

  DirectEngine* engine_;
  int tag_pair_;
  std::uint64_t bytes_sent_ = 0;
};

DirectEngine::DirectEngine(MPI_Comm comm, int rank, int world_size, HostGroups groups,
                           std::shared_ptr<CommunicatorHealth> health, DirectOptions options)
    : comm_(comm),
      rank_(rank),
      world_size_(world_size),
      groups_(std::move(groups)),
      health_(std::move(health)),
      options_(options) {}

// A communicator with an operation that never ended cannot be freed; the process is about to end anyway.
// Until then MPI may write what arrives to the memory of the operation's receives, which nothing takes back:
// so that memory is never freed.
DirectEngine::~DirectEngine() {
  if (!health_->failed()) {
    int finalized = 0;
    MPI_Finalized(&finalized);
    if (finalized == 0) MPI_Comm_free(&comm_);
  } else if (!active_.empty()) {
    static_cast<void>(std::make_unique<decltype(active_)>(std::move(active_)).release());
  }
}

const MessageFlow& DirectEngine::flow() const noexcept {
  const bool one_host = groups_.here.size() == static_cast<std::size_t>(world_size_);
  return one_host ? options_.local : options_.network;
}

std::unique_ptr<Reduction> DirectEngine::make_reduction(const ReductionTask& task) {
  if (!groups_.two_levels()) return make_flat_reduction(task, scratch_);
  return std::make_unique<TwoLevelReduction>(task, options_.local, groups_, scratch_);
}

std::shared_ptr<DirectEngine::Operation> DirectEngine::start(void* data, std::size_t count, ElementKind kind,
                                                             Wire wire, Deadline deadline) {
  const int tag_pair = std::exchange(next_tag_pair_, (next_tag_pair_ + 1) % options_.tag_pairs);
  try {
    free_tag_pair(tag_pair, deadline);
    const ReductionTask task{.data = static_cast<std::byte*>(data),
                             .count = count,
                             .kind = kind,
                             .wire = wire,
                             .rank = rank_,
                             .world_size = world_size_,
                             .flow = flow(),
                             .exchange_bytes = options_.exchange_bytes};
    auto operation = std::make_shared<Operation>(*this, task, tag_pair);
    active_.push_back(operation);
    operation->reduction->begin(*operation);
    remove_finished();
    return operation;
  } catch (const std::exception& error) {
    health_->fail(error.what());
    throw;
  }
}

// The same tags may be used again once all messages of their last operation have come.
void DirectEngine::free_tag_pair(int tag_pair, Deadline deadline) {
  const auto taken =
      std::ranges::find_if(active_, [&](const auto& operation) { return operation->tag_pair() == tag_pair; });
  if (taken == active_.end()) return;
  const auto earlier = *taken;
  wait(*earlier, deadline, "an earlier all-reduce");
}

bool DirectEngine::advance() {
  if (requests_.empty()) return false;
  try {
    if (health_->watch() != nullptr) health_->watch()->require_all_alive();
    test_some();
    // Open MPI either reports what has ended or makes progress: what the first call moved, the second tells.
    if (completions_ == 0) test_some();
    for (int i = 0; i < completions_; ++i) {
      // A copy: what completes may post more.
      const Message message = messages_[static_cast<std::size_t>(completed_[static_cast<std::size_t>(i)])];
      message.operation->completed(message);
    }
  } catch (const std::exception& error) {
    health_->fail(error.what());
    throw;
  }
  if (completions_ == 0) return false;
  forget_completed();
  remove_finished();
  return true;
}

void DirectEngine::test_some() {
  completed_.resize(requests_.size());
  completions_ = 0;
  check_mpi(MPI_Testsome(static_cast<int>(requests_.size()), requests_.data(), &completions_,
                         completed_.data(), MPI_STATUSES_IGNORE),
            "MPI_Testsome");
  completions_ = std::max(0, completions_);  // MPI_UNDEFINED is negative
}

void DirectEngine::forget_completed() {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < requests_.size(); ++i) {
    if (requests_[i] == MPI_REQUEST_NULL) continue;
    requests_[kept] = requests_[i];
    messages_[kept] = messages_[i];
    ++kept;
  }
  requests_.resize(kept);
  messages_.resize(kept);
}

void DirectEngine::remove_finished() {
  std::erase_if(active_, [this](const auto& operation) {
    if (!operation->reduction->done()) return false;
    operation->reduction->release(scratch_);
    return true;
  });
}

void DirectEngine::wait(const Operation& operation, Deadline deadline, std::string_view what) {
  if (operation.reduction->done()) return;
  PeerWatch* const watch = health_->watch();
  const WaitNote note(watch, what);
  const std::chrono::duration<double> patience = deadline - std::chrono::steady_clock::now();
  const PollPacer since_start(kBriefSleep);
  PollPacer since_news(kBriefSleep);
  while (!operation.reduction->done()) {
    if (advance()) {
      since_news = PollPacer(kBriefSleep);
    } else if (since_news.waited() >= flow().patience) {
      if (std::chrono::steady_clock::now() >= deadline && !extended_by_progress(watch, patience)) {
        throw_timed_out(what, since_start.waited(), watch);
      }
      since_news.sleep();
    }
  }
}

std::size_t DirectEngine::best_count(ElementKind kind) const noexcept {
  return groups_.two_levels() ? std::max<std::size_t>(1, options_.slice_bytes / byte_size(kind)) : 0;
}

DirectWork::DirectWork(std::shared_ptr<DirectEngine> engine, Operations operations,
                       std::shared_ptr<CommunicatorHealth> health, std::chrono::duration<double> timeout)
    : engine_(std::move(engine)),
      operations_(std::move(operations)),
      health_(std::move(health)),
      timeout_(timeout) {}

// As MpiWork's.
DirectWork::~DirectWork() {
  if (done() || health_->failed()) return;
  try {
    wait(deadline_after(timeout_), "an unfinished all-reduce");
  } catch (...) {  // NOLINT(bugprone-empty-catch): wait() has recorded the failure; the next operation tells
  }
}

bool DirectWork::done() const {
  return std::ranges::all_of(operations_, [](const auto& each) { return each->reduction->done(); });
}

bool DirectWork::test() {
  for (int round = 0; round < kRoundsPerTest && !done(); ++round) {
    if (!engine_->advance()) break;
  }
  return done();
}

std::optional<std::uint64_t> DirectWork::bytes_sent() const {
  std::uint64_t bytes = 0;
  for (const auto& operation : operations_) bytes += operation->bytes_sent();
  return bytes;
}

void DirectWork::wait(Deadline deadline, std::string_view what) {
  if (done()) return;
  health_->require_sound(what);
  try {
    for (const auto& operation : operations_) engine_->wait(*operation, deadline, what);
  } catch (const Error& error) {
    health_->fail(error.what());
    throw;
  }
}

}  // namespace ft
