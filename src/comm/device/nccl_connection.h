// One ncclComm_t: made, polled, and ended one way or another.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ft/comm/communicator.h"
#include "ft/comm/peer_watch.h"

#include "nccl_api.h"

namespace ft {

// Every NCCL call returns at once (blocking = 0) and may still be in progress; settle() waits for the end of
// it, with a deadline. After the first failure the connection is aborted, which frees kernels that wait for a
// peer, and every later call throws PeerError.
class NcclConnection {
 public:
  // Collective. `timeout` also bounds the end in the destructor. `watch` may be null. `patience`: with calls
  // that can be neither polled nor called off, after which the process ends.
  NcclConnection(const NcclApi& api, const ncclUniqueId& id, int rank, int world_size,
                 std::chrono::duration<double> timeout, PeerWatch* watch,
                 std::chrono::duration<double> patience);
  NcclConnection(const NcclConnection&) = delete;
  NcclConnection& operator=(const NcclConnection&) = delete;
  // The orderly end is collective; during unwinding the peers may not come, so then it aborts.
  ~NcclConnection();

  // Enqueues the reduction; on return its kernel is on the stream, so that an event recorded now comes after.
  void all_reduce(void* data, std::size_t count, ElementKind kind, ReduceOp op, void* stream,
                  Deadline deadline, std::string_view what);
  // Tells NCCL of memory that will be reduced again and again. The handle is for forget().
  [[nodiscard]] void* register_memory(void* data, std::size_t bytes);
  // Nothing once the connection has failed.
  void forget(void* handle) noexcept;
  // Throws PeerError when NCCL has noticed a failure since, or the watch a lost rank.
  void check(std::string_view what);
  [[nodiscard]] bool failed() const noexcept { return failure_.has_value(); }
  // Aborts with this reason, unless it has failed already.
  void abort(std::string reason) noexcept;

 private:
  void require_sound(std::string_view what) const;
  // Waits until the call that returned `result` is no longer in progress.
  void settle(ncclResult_t result, Deadline deadline, std::string_view what);
  // False while in progress; throws for any error.
  [[nodiscard]] bool settled(ncclResult_t result, std::string_view what);
  [[nodiscard]] ncclResult_t async_error();

  NcclApi api_;
  ncclComm_t comm_ = nullptr;
  std::chrono::duration<double> timeout_, patience_;
  PeerWatch* watch_;
  int unwinding_at_start_;
  std::optional<std::string> failure_;
};

// UsageError when the library that was loaded is older than the header this program was built with.
void require_nccl_version(const NcclApi& api);

}  // namespace ft
