#ifdef FT_CUDA

#include "nccl_connection.h"

#include <exception>

#include <fmt/format.h>

#include "ft/base/error.h"
#include "ft/base/exit_deadline.h"
#include "ft/base/host.h"
#include "ft/comm/poll.h"

namespace ft {

namespace {

ncclDataType_t nccl_type(ElementKind kind) {
  switch (kind) {
    case ElementKind::kFloat32:
      return ncclFloat32;
    case ElementKind::kBFloat16:
      return ncclBfloat16;
    case ElementKind::kFloat64:
      return ncclFloat64;
    case ElementKind::kInt64:
      return ncclInt64;
    case ElementKind::kUInt8:
      return ncclUint8;
  }
  throw Error(ExitCode::kBug, "an element kind that NCCL does not know");
}

ncclRedOp_t nccl_op(ReduceOp op) {
  switch (op) {
    case ReduceOp::kSum:
      return ncclSum;
    case ReduceOp::kMin:
      return ncclMin;
    case ReduceOp::kMax:
      return ncclMax;
  }
  throw Error(ExitCode::kBug, "a reduction that NCCL does not know");
}

// These can be neither polled nor called off, and have been seen to wait for a peer that is gone.
ExitDeadline bounded(const char* call, std::chrono::duration<double> patience) {
  return {patience, ExitCode::kPeer,
          fmt::format("ft_dist: error: {}: {} has not come back in {:.3g} s (hint: a rank is gone)\n",
                      host_name(), call, patience.count())};
}

std::string format_version(int code) {
  return fmt::format("{}.{}.{}", code / 10'000, code / 100 % 100, code % 100);
}

}  // namespace

void require_nccl_version(const NcclApi& api) {
  int loaded = 0;
  if (api.get_version(&loaded) != ncclSuccess || loaded < NCCL_VERSION_CODE) {
    throw UsageError(fmt::format("NCCL {} was loaded, but this program was built for {}",
                                 format_version(loaded), format_version(NCCL_VERSION_CODE)),
                     "LD_LIBRARY_PATH finds another libnccl.so.2 before LibTorch's own");
  }
}

NcclConnection::NcclConnection(const NcclApi& api, const ncclUniqueId& id, int rank, int world_size,
                               std::chrono::duration<double> timeout, PeerWatch* watch,
                               std::chrono::duration<double> patience)
    : api_(api),
      timeout_(timeout),
      patience_(patience),
      watch_(watch),
      unwinding_at_start_(std::uncaught_exceptions()) {
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;
  const auto result = api_.comm_init_rank_config(&comm_, world_size, id, rank, &config);
  settle(result, deadline_after(timeout_), "connecting by NCCL");
}

NcclConnection::~NcclConnection() {
  if (comm_ == nullptr) return;
  if (std::uncaught_exceptions() > unwinding_at_start_) {
    abort("left by an exception");
    return;
  }
  try {
    settle(api_.comm_finalize(comm_), deadline_after(timeout_), "closing NCCL");
    const ExitDeadline bound = bounded("ncclCommDestroy", patience_);
    api_.comm_destroy(comm_);
  } catch (const Error& error) {
    abort(error.what());
  }
}

void NcclConnection::all_reduce(void* data, std::size_t count, ElementKind kind, ReduceOp op, void* stream,
                                Deadline deadline, std::string_view what) {
  require_sound(what);
  const auto result = api_.all_reduce(data, data, count, nccl_type(kind), nccl_op(op), comm_,
                                      static_cast<cudaStream_t>(stream));
  settle(result, deadline, what);
}

void* NcclConnection::register_memory(void* data, std::size_t bytes) {
  constexpr std::string_view kWhat = "registering memory with NCCL";
  require_sound(kWhat);
  void* handle = nullptr;
  const auto result = api_.comm_register(comm_, data, bytes, &handle);
  settle(result, deadline_after(timeout_), kWhat);
  return handle;
}

void NcclConnection::forget(void* handle) noexcept {
  if (failure_ || handle == nullptr) return;
  const ExitDeadline bound = bounded("ncclCommDeregister", patience_);
  api_.comm_deregister(comm_, handle);
}

void NcclConnection::check(std::string_view what) {
  require_sound(what);
  if (watch_ != nullptr) watch_->require_all_alive();
  static_cast<void>(settled(async_error(), what));
}

void NcclConnection::abort(std::string reason) noexcept {
  if (failure_) return;
  failure_ = std::move(reason);
  if (comm_ != nullptr) {
    const ExitDeadline bound = bounded("ncclCommAbort", patience_);
    api_.comm_abort(comm_);
  }
  comm_ = nullptr;
}

void NcclConnection::require_sound(std::string_view what) const {
  if (failure_) throw PeerError(fmt::format("{}: communication has failed before: {}", what, *failure_));
}

void NcclConnection::settle(ncclResult_t result, Deadline deadline, std::string_view what) {
  // Throws when the call was refused. After ncclSuccess, too, it is the connection's state that counts.
  static_cast<void>(settled(result, what));
  try {
    poll_until([&] { return settled(async_error(), what); }, deadline, kBriefSleep, what, watch_);
  } catch (const Error& error) {
    abort(error.what());
    throw;
  }
}

bool NcclConnection::settled(ncclResult_t result, std::string_view what) {
  if (result == ncclInProgress) return false;
  if (result == ncclSuccess) return true;
  const char* details = api_.get_last_error(comm_);
  const bool has_details = details != nullptr && *details != '\0';
  auto text = fmt::format("{}: NCCL says: {}{}{}", what, api_.get_error_string(result),
                          has_details ? ": " : "", has_details ? details : "");
  abort(text);
  throw PeerError(text, "NCCL_DEBUG=INFO shows what it tried");
}

ncclResult_t NcclConnection::async_error() {
  ncclResult_t state = ncclSuccess;
  const auto result = api_.comm_get_async_error(comm_, &state);
  return result == ncclSuccess ? state : result;
}

}  // namespace ft

#endif  // FT_CUDA
