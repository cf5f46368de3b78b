#include "ft/base/error.h"
#include "ft/comm/backends.h"

namespace ft {

namespace {

class FinishedWork final : public Work {
 public:
  [[nodiscard]] bool test() override { return true; }
};

// The reduction over one rank is its own value, so nothing moves.
class SingleCommunicator final : public Communicator {
 public:
  [[nodiscard]] int rank() const noexcept override { return 0; }
  [[nodiscard]] int world_size() const noexcept override { return 1; }
  [[nodiscard]] std::string_view backend() const noexcept override { return "single"; }

  [[nodiscard]] std::unique_ptr<Work> start_all_reduce(void* /*data*/, std::size_t /*count*/,
                                                       ElementKind /*kind*/, ReduceOp /*op*/,
                                                       Wire /*wire*/) override {
    return std::make_unique<FinishedWork>();
  }

  void barrier(std::string_view /*what*/) override {}

  void broadcast(std::span<std::byte> /*data*/, int root, std::string_view what) override {
    require_rank_zero(root, what);
  }

  [[nodiscard]] std::vector<std::string> all_gather(std::string_view mine,
                                                    std::string_view /*what*/) override {
    return {std::string(mine)};
  }

  [[nodiscard]] std::vector<std::string> gather(std::string_view mine, int root,
                                                std::string_view what) override {
    require_rank_zero(root, what);
    return {std::string(mine)};
  }

  void exchange(std::span<const std::byte> /*mine*/, std::span<std::byte> /*theirs*/, int peer,
                std::string_view what) override {
    throw Error(ExitCode::kBug, std::string(what) + ": rank " + std::to_string(peer) +
                                    " is not another rank of a world of one");
  }

  void all_reduce_host(std::span<double> /*values*/, ReduceOp /*op*/, std::string_view /*what*/) override {}

 private:
  static void require_rank_zero(int root, std::string_view what) {
    if (root != 0) {
      throw Error(ExitCode::kBug,
                  std::string(what) + ": root " + std::to_string(root) + " is not in a world of one");
    }
  }
};

}  // namespace

std::unique_ptr<Communicator> make_single_communicator() {
  return std::make_unique<SingleCommunicator>();
}

std::unique_ptr<Communicator> make_host_communicator(const MpiSession& session) {
  return session.active() ? make_mpi_communicator(session) : make_single_communicator();
}

}  // namespace ft
