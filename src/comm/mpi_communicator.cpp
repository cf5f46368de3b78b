#include "mpi_communicator.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "ft/base/error.h"
#include "ft/comm/backends.h"
#include "ft/comm/poll.h"

#include "mpi_error.h"

namespace ft {

namespace {

// Of point-to-point messages; collectives have a context of their own.
constexpr int kExchangeTag = 1;
static_assert(kExchangeTag < kFirstDirectTag);

MPI_Datatype mpi_type(ElementKind kind) {
  switch (kind) {
    case ElementKind::kFloat32:
      return MPI_FLOAT;
    case ElementKind::kBFloat16:
      return MPI_UINT16_T;
    case ElementKind::kFloat64:
      return MPI_DOUBLE;
    case ElementKind::kInt64:
      return MPI_INT64_T;
    case ElementKind::kUInt8:
      return MPI_UINT8_T;
  }
  return MPI_DATATYPE_NULL;
}

MPI_Op builtin_op(ReduceOp op) {
  switch (op) {
    case ReduceOp::kSum:
      return MPI_SUM;
    case ReduceOp::kMin:
      return MPI_MIN;
    case ReduceOp::kMax:
      return MPI_MAX;
  }
  return MPI_OP_NULL;
}

bool goes_direct(ElementKind kind, ReduceOp op, Wire wire) {
  if (wire == Wire::kBFloat16) {
    if (kind == ElementKind::kFloat32 && op == ReduceOp::kSum) return true;
    throw Error(ExitCode::kBug, "only sums of float32 travel as bfloat16");
  }
  const bool addable =
      kind == ElementKind::kFloat32 || kind == ElementKind::kFloat64 || kind == ElementKind::kInt64;
  return addable && op == ReduceOp::kSum;
}

// Rank r's piece of a round lies at r * stride in the receive buffer.
struct RoundShape {
  std::vector<int> counts;
  std::vector<int> offsets;
};

RoundShape shape_of_round(const std::vector<std::uint64_t>& sizes, std::size_t begin, std::size_t stride) {
  RoundShape shape;
  for (std::size_t r = 0; r < sizes.size(); ++r) {
    const std::size_t left = sizes[r] > begin ? sizes[r] - begin : 0;
    shape.counts.push_back(static_cast<int>(std::min(left, stride)));
    shape.offsets.push_back(static_cast<int>(r * stride));
  }
  return shape;
}

}  // namespace

MpiCommunicator::MpiCommunicator(MpiLengths lengths) : lengths_(std::move(lengths)) {
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(MPI_Comm_idup(MPI_COMM_WORLD, &comm_, &request), "MPI_Comm_idup");
  finish(request, kPatientSleep, "setting up MPI communication");
  check_mpi(MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  check_mpi(MPI_Comm_rank(comm_, &rank_), "MPI_Comm_rank");
  check_mpi(MPI_Comm_size(comm_, &world_size_), "MPI_Comm_size");
  DirectOptions direct = lengths_.direct;
  for (MessageFlow* flow : {&direct.network, &direct.local}) {
    flow->segment_bytes = std::min(flow->segment_bytes, lengths_.longest_message);
  }
  direct.exchange_bytes = std::min(direct.exchange_bytes, lengths_.longest_message);
  const std::vector<std::string> hosts = all_gather(lengths_.host, "comparing hosts");
  direct_ =
      std::make_shared<DirectEngine>(comm_, rank_, world_size_, host_groups(hosts, rank_), health_, direct);
}

// Works that are left may outlive the watch.
MpiCommunicator::~MpiCommunicator() {
  health_->set_watch(nullptr);
}

std::unique_ptr<Work> MpiCommunicator::start_all_reduce(void* data, std::size_t count, ElementKind kind,
                                                        ReduceOp op, Wire wire) {
  health_->require_sound("all-reduce");
  if (!goes_direct(kind, op, wire)) return start_mpi_all_reduce(data, count, kind, op);
  if (world_size_ == 1)
    return std::make_unique<MpiWork>(std::vector<MPI_Request>(), health_, direct_, timeout());
  const std::size_t width = byte_size(kind);
  const std::size_t best = direct_->best_count(kind);
  const std::size_t slice = best == 0 ? std::max<std::size_t>(1, count) : best;
  DirectWork::Operations operations;
  operations.reserve(count / slice + 1);
  for (std::size_t begin = 0; begin < count; begin += slice) {
    void* piece = static_cast<std::byte*>(data) + begin * width;
    operations.push_back(
        direct_->start(piece, std::min(slice, count - begin), kind, wire, deadline_after(timeout())));
  }
  return std::make_unique<DirectWork>(direct_, std::move(operations), health_, timeout());
}

std::unique_ptr<Work> MpiCommunicator::start_mpi_all_reduce(void* data, std::size_t count, ElementKind kind,
                                                            ReduceOp op) {
  health_->require_sound("all-reduce");
  const std::size_t width = byte_size(kind);
  const std::size_t per_message = std::max<std::size_t>(1, lengths_.longest_message / width);
  const MPI_Op mpi_op = kind == ElementKind::kBFloat16 ? bfloat16_ops_.get(op) : builtin_op(op);
  std::vector<MPI_Request> requests;
  requests.reserve(count / per_message + 1);
  for (std::size_t begin = 0; begin < count; begin += per_message) {
    const int length = static_cast<int>(std::min(per_message, count - begin));
    void* piece = static_cast<std::byte*>(data) + begin * width;
    requests.push_back(MPI_REQUEST_NULL);
    const int code =
        MPI_Iallreduce(MPI_IN_PLACE, piece, length, mpi_type(kind), mpi_op, comm_, &requests.back());
    if (code != MPI_SUCCESS) health_->fail("MPI_Iallreduce returned an error");  // others wait for this piece
    check_mpi(code, "MPI_Iallreduce");
  }
  return std::make_unique<MpiWork>(std::move(requests), health_, direct_, timeout());
}

void MpiCommunicator::barrier(std::string_view what) {
  health_->require_sound(what);
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(MPI_Ibarrier(comm_, &request), "MPI_Ibarrier");
  finish(request, kPatientSleep, what);
}

void MpiCommunicator::broadcast(std::span<std::byte> data, int root, std::string_view what) {
  require_rank(root, what);
  // First everyone arrives, however long that takes; then the transfer starts with short sleeps.
  barrier(what);
  for (std::size_t begin = 0; begin < data.size(); begin += lengths_.longest_message) {
    const auto piece = data.subspan(begin, std::min(lengths_.longest_message, data.size() - begin));
    MPI_Request request = MPI_REQUEST_NULL;
    check_mpi(MPI_Ibcast(piece.data(), static_cast<int>(piece.size()), MPI_BYTE, root, comm_, &request),
              "MPI_Ibcast");
    finish(request, kBriefSleep, what);
  }
}

std::vector<std::string> MpiCommunicator::all_gather(std::string_view mine, std::string_view what) {
  return collect(mine, std::nullopt, what);
}

std::vector<std::string> MpiCommunicator::gather(std::string_view mine, int root, std::string_view what) {
  require_rank(root, what);
  return collect(mine, root, what);
}

void MpiCommunicator::exchange(std::span<const std::byte> mine, std::span<std::byte> theirs, int peer,
                               std::string_view what) {
  health_->require_sound(what);
  require_rank(peer, what);
  if (peer == rank_ || mine.size() != theirs.size()) {
    throw Error(ExitCode::kBug, fmt::format("{}: {} bytes to rank {} for {} bytes back from it", what,
                                            mine.size(), peer, theirs.size()));
  }
  for (std::size_t begin = 0; begin < mine.size(); begin += lengths_.longest_message) {
    const int length = static_cast<int>(std::min(lengths_.longest_message, mine.size() - begin));
    std::vector<MPI_Request> both(2, MPI_REQUEST_NULL);
    check_mpi(MPI_Irecv(theirs.data() + begin, length, MPI_BYTE, peer, kExchangeTag, comm_, &both[0]),
              "MPI_Irecv");
    check_mpi(MPI_Isend(mine.data() + begin, length, MPI_BYTE, peer, kExchangeTag, comm_, &both[1]),
              "MPI_Isend");
    finish(std::move(both), kBriefSleep, what);
  }
}

void MpiCommunicator::all_reduce_host(std::span<double> values, ReduceOp op, std::string_view what) {
  health_->require_sound(what);
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(MPI_Iallreduce(MPI_IN_PLACE, values.data(), static_cast<int>(values.size()), MPI_DOUBLE,
                           builtin_op(op), comm_, &request),
            "MPI_Iallreduce");
  finish(request, kPatientSleep, what);
}

void MpiCommunicator::set_watch(PeerWatch* watch) {
  Communicator::set_watch(watch);
  health_->set_watch(watch);
}

void MpiCommunicator::finish(MPI_Request request, std::chrono::microseconds longest_sleep,
                             std::string_view what) {
  finish(std::vector<MPI_Request>{request}, longest_sleep, what);
}

void MpiCommunicator::finish(std::vector<MPI_Request> requests, std::chrono::microseconds longest_sleep,
                             std::string_view what) {
  MpiWork(std::move(requests), health_, direct_, timeout())
      .wait(deadline_after(timeout()), longest_sleep, what);
}

void MpiCommunicator::require_rank(int root, std::string_view what) const {
  if (root < 0 || root >= world_size_) {
    throw Error(ExitCode::kBug, fmt::format("{}: root {} is not in a world of {}", what, root, world_size_));
  }
}

std::vector<std::uint64_t> MpiCommunicator::exchange_sizes(std::size_t mine, std::string_view what) {
  health_->require_sound(what);
  std::vector<std::uint64_t> sizes(static_cast<std::size_t>(world_size_));
  const std::uint64_t size = mine;
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(MPI_Iallgather(&size, 1, MPI_UINT64_T, sizes.data(), 1, MPI_UINT64_T, comm_, &request),
            "MPI_Iallgather");
  finish(request, kPatientSleep, what);
  return sizes;
}

std::vector<std::string> MpiCommunicator::collect(std::string_view mine, std::optional<int> root,
                                                  std::string_view what) {
  const auto sizes = exchange_sizes(mine.size(), what);
  const std::size_t longest = *std::max_element(sizes.begin(), sizes.end());
  const bool receives = !root || *root == rank_;
  // A round moves at most lengths_.longest_message bytes in all, since its offsets count in int as well.
  const std::size_t stride =
      std::min(longest, std::max<std::size_t>(1, lengths_.longest_message / sizes.size()));

  std::vector<std::string> gathered(receives ? sizes.size() : 0);
  std::vector<char> buffer(receives ? sizes.size() * stride : 0);
  for (std::size_t begin = 0; begin < longest; begin += stride) {
    const auto piece = mine.substr(std::min(begin, mine.size()), stride);
    const int length = static_cast<int>(piece.size());
    const auto shape = shape_of_round(sizes, begin, stride);
    MPI_Request request = MPI_REQUEST_NULL;
    if (root) {
      check_mpi(MPI_Igatherv(piece.data(), length, MPI_CHAR, buffer.data(), shape.counts.data(),
                             shape.offsets.data(), MPI_CHAR, *root, comm_, &request),
                "MPI_Igatherv");
    } else {
      check_mpi(MPI_Iallgatherv(piece.data(), length, MPI_CHAR, buffer.data(), shape.counts.data(),
                                shape.offsets.data(), MPI_CHAR, comm_, &request),
                "MPI_Iallgatherv");
    }
    finish(request, kBriefSleep, what);
    for (std::size_t r = 0; r < gathered.size(); ++r) {
      gathered[r].append(buffer.data() + r * stride, static_cast<std::size_t>(shape.counts[r]));
    }
  }
  return gathered;
}

std::unique_ptr<Communicator> make_mpi_communicator(const MpiSession& session) {
  if (!session.active()) {
    throw UsageError("the mpi backend needs a process that mpirun or srun has started",
                     "start with mpirun -np N, or set dist.backend: auto");
  }
  return std::make_unique<MpiCommunicator>();
}

}  // namespace ft
