// One rank of two, whose sums are what the test says.
#pragma once

#include <functional>
#include <memory>
#include <stdexcept>
#include <utility>

#include "ft/comm/communicator.h"

namespace ft {

class StubCommunicator final : public Communicator {
 public:
  using StartSum = std::function<std::unique_ptr<Work>(void* data, std::size_t count)>;
  explicit StubCommunicator(StartSum start) : start_(std::move(start)) {}

  [[nodiscard]] int rank() const noexcept override { return 0; }
  [[nodiscard]] int world_size() const noexcept override { return 2; }
  [[nodiscard]] std::string_view backend() const noexcept override { return "stub"; }
  [[nodiscard]] std::unique_ptr<Work> start_all_reduce(void* data, std::size_t count, ElementKind /*kind*/,
                                                       ReduceOp /*op*/, Wire /*wire*/) override {
    return start_(data, count);
  }

  void barrier(std::string_view /*what*/) override { throw no_call(); }
  void broadcast(std::span<std::byte> /*data*/, int /*root*/, std::string_view /*what*/) override {
    throw no_call();
  }
  [[nodiscard]] std::vector<std::string> all_gather(std::string_view /*mine*/,
                                                    std::string_view /*what*/) override {
    throw no_call();
  }
  [[nodiscard]] std::vector<std::string> gather(std::string_view /*mine*/, int /*root*/,
                                                std::string_view /*what*/) override {
    throw no_call();
  }
  void exchange(std::span<const std::byte> /*mine*/, std::span<std::byte> /*theirs*/, int /*peer*/,
                std::string_view /*what*/) override {
    throw no_call();
  }
  void all_reduce_host(std::span<double> /*values*/, ReduceOp /*op*/, std::string_view /*what*/) override {
    throw no_call();
  }

 private:
  static std::logic_error no_call() { return std::logic_error("only sums are stubs"); }

  StartSum start_;
};

}  // namespace ft
