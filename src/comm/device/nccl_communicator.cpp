#include "ft/comm/device/nccl_communicator.h"

#include "ft/base/error.h"

#ifdef FT_CUDA

#include <exception>

#include "ft/comm/agreement.h"
#include "ft/comm/poll.h"

#include "nccl_backend.h"
#include "nccl_connection.h"

namespace ft {

namespace {

class NcclWork final : public Work {
 public:
  // `kept`: memory that the device needs until it is past `end`.
  NcclWork(std::shared_ptr<NcclConnection> connection, std::unique_ptr<QueuePoint> begin,
           std::unique_ptr<QueuePoint> end, std::shared_ptr<void> kept, std::chrono::duration<double> timeout,
           PeerWatch* watch)
      : connection_(std::move(connection)),
        begin_(std::move(begin)),
        end_(std::move(end)),
        kept_(std::move(kept)),
        timeout_(timeout),
        watch_(watch) {}
  NcclWork(const NcclWork&) = delete;
  NcclWork& operator=(const NcclWork&) = delete;

  // The kernel still writes to the caller's memory. wait() ends with it done or aborted.
  ~NcclWork() override {
    if (done_ || connection_->failed()) return;
    try {
      wait(deadline_after(timeout_), "an unfinished all-reduce");
    } catch (...) {  // NOLINT(bugprone-empty-catch): the connection is aborted; its next operation tells
    }
  }

  [[nodiscard]] bool test() override {
    if (done_) return true;
    done_ = end_->passed();
    if (!done_) connection_->check("an all-reduce under way");
    return done_;
  }

  void wait(Deadline deadline, std::string_view what) override {
    try {
      poll_until([this] { return test(); }, deadline, kBriefSleep, what, watch_);
    } catch (const std::exception& error) {
      connection_->abort(error.what());
      throw;
    }
  }

  [[nodiscard]] std::optional<double> device_seconds() const override {
    return done_ ? std::optional(end_->seconds_since(*begin_)) : std::nullopt;
  }

 private:
  std::shared_ptr<NcclConnection> connection_;
  std::unique_ptr<QueuePoint> begin_, end_;
  std::shared_ptr<void> kept_;
  std::chrono::duration<double> timeout_;
  PeerWatch* watch_;
  bool done_ = false;
};

// Rank 0's id, everywhere. It fails on all ranks or on none.
ncclUniqueId exchange_id(Communicator& host, const NcclApi& api) {
  ncclUniqueId id{};
  agree(host, "preparing NCCL", [&] {
    require_nccl_version(api);
    if (host.rank() != 0) return;
    if (const auto result = api.get_unique_id(&id); result != ncclSuccess) {
      throw PeerError(std::string("NCCL finds no network: ") + api.get_error_string(result),
                      "NCCL_DEBUG=INFO shows what it tried; NCCL_SOCKET_IFNAME picks an interface");
    }
  });
  host.broadcast(std::as_writable_bytes(std::span(&id, 1)), 0, "sharing the NCCL id");
  return id;
}

// All-reduces over NCCL, everything else over `host`.
class NcclCommunicator final : public Communicator {
 public:
  NcclCommunicator(Communicator& host, std::unique_ptr<DeviceQueue> queue, const NcclApi& api,
                   std::chrono::duration<double> patience)
      : host_(&host), queue_(std::move(queue)) {
    set_timeout(host.timeout());
    set_watch(host.watch());
    const auto id = exchange_id(host, api);
    agree(host, "connecting by NCCL", [&] {
      connection_ = std::make_shared<NcclConnection>(api, id, host.rank(), host.world_size(), host.timeout(),
                                                     host.watch(), patience);
      start_all_reduce(queue_->scratch(), 1, ElementKind::kFloat32, ReduceOp::kSum)
          ->wait(deadline_after(timeout()), "the first NCCL all-reduce");
    });
  }

  [[nodiscard]] int rank() const noexcept override { return host_->rank(); }
  [[nodiscard]] int world_size() const noexcept override { return host_->world_size(); }
  [[nodiscard]] std::string_view backend() const noexcept override { return "nccl"; }

  [[nodiscard]] std::unique_ptr<Work> start_all_reduce(void* data, std::size_t count, ElementKind kind,
                                                       ReduceOp op, Wire wire = Wire::kAsIs) override {
    queue_->follow_compute();
    auto begin = queue_->mark();
    if (wire == Wire::kBFloat16) return start_rounded(data, count, kind, op, std::move(begin));
    connection_->all_reduce(data, count, kind, op, queue_->native_handle(), deadline_after(timeout()),
                            "starting an all-reduce");
    return std::make_unique<NcclWork>(connection_, std::move(begin), queue_->mark(), nullptr, timeout(),
                                      watch());
  }

  [[nodiscard]] std::shared_ptr<void> register_memory(void* data, std::size_t bytes) override {
    // Not an owner: memory that is forgotten late must not keep the connection from ending in its turn.
    const auto forget = [connection = std::weak_ptr(connection_)](void* handle) {
      if (const auto alive = connection.lock()) alive->forget(handle);
    };
    return {connection_->register_memory(data, bytes), forget};
  }

  void barrier(std::string_view what) override { host_->barrier(what); }
  void broadcast(std::span<std::byte> data, int root, std::string_view what) override {
    host_->broadcast(data, root, what);
  }
  [[nodiscard]] std::vector<std::string> all_gather(std::string_view mine, std::string_view what) override {
    return host_->all_gather(mine, what);
  }
  [[nodiscard]] std::vector<std::string> gather(std::string_view mine, int root,
                                                std::string_view what) override {
    return host_->gather(mine, root, what);
  }
  void exchange(std::span<const std::byte> mine, std::span<std::byte> theirs, int peer,
                std::string_view what) override {
    host_->exchange(mine, theirs, peer, what);
  }
  void all_reduce_host(std::span<double> values, ReduceOp op, std::string_view what) override {
    host_->all_reduce_host(values, op, what);
  }

 private:
  // The sum of a bfloat16 copy, put back as float32, all on the queue.
  [[nodiscard]] std::unique_ptr<Work> start_rounded(void* data, std::size_t count, ElementKind kind,
                                                    ReduceOp op, std::unique_ptr<QueuePoint> begin) {
    if (kind != ElementKind::kFloat32 || op != ReduceOp::kSum) {
      throw Error(ExitCode::kBug, "only sums of float32 travel as bfloat16");
    }
    auto rounded = queue_->rounded_copy(data, count);
    connection_->all_reduce(rounded.get(), count, ElementKind::kBFloat16, op, queue_->native_handle(),
                            deadline_after(timeout()), "starting an all-reduce");
    queue_->widen(rounded, data, count);
    return std::make_unique<NcclWork>(connection_, std::move(begin), queue_->mark(), std::move(rounded),
                                      timeout(), watch());
  }

  Communicator* host_;
  // Before the connection, so that it outlives it: NCCL's end may still wait for work on the stream.
  std::unique_ptr<DeviceQueue> queue_;
  std::shared_ptr<NcclConnection> connection_;
};

}  // namespace

std::unique_ptr<Communicator> make_nccl_communicator(Communicator& host, std::unique_ptr<DeviceQueue> queue,
                                                     const NcclApi& api,
                                                     std::chrono::duration<double> patience) {
  return std::make_unique<NcclCommunicator>(host, std::move(queue), api, patience);
}

std::unique_ptr<Communicator> make_nccl_communicator(Communicator& host, int device_index) {
  return make_nccl_communicator(host, make_cuda_queue(device_index), NcclApi{});
}

}  // namespace ft

#else

namespace ft {

std::unique_ptr<Communicator> make_nccl_communicator(Communicator& /*host*/, int /*device_index*/) {
  throw UsageError("this build has no NCCL (FT_CUDA=OFF)", "dist.backend: mpi, or build with FT_CUDA=ON");
}

}  // namespace ft

#endif  // FT_CUDA
