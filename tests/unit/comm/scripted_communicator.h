// One rank of a world whose other ranks' contributions are written down in the test.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "ft/base/error.h"
#include "ft/comm/communicator.h"

namespace ft {

class ScriptedCommunicator final : public Communicator {
 public:
  // `others`: what ranks 1, 2, ... send; this rank is 0.
  explicit ScriptedCommunicator(std::vector<std::string> others) : others_(std::move(others)) {}

  [[nodiscard]] int rank() const noexcept override { return 0; }
  [[nodiscard]] int world_size() const noexcept override { return static_cast<int>(others_.size()) + 1; }
  [[nodiscard]] std::string_view backend() const noexcept override { return "scripted"; }

  [[nodiscard]] std::vector<std::string> all_gather(std::string_view mine, std::string_view what) override {
    if (fail_with_) throw std::move(*fail_with_);
    last_sent_ = mine;
    last_what_ = what;
    std::vector<std::string> all{std::string(mine)};
    all.insert(all.end(), others_.begin(), others_.end());
    return all;
  }

  [[nodiscard]] std::unique_ptr<Work> start_all_reduce(void* /*data*/, std::size_t /*count*/,
                                                       ElementKind /*kind*/, ReduceOp /*op*/,
                                                       Wire /*wire*/) override {
    throw std::logic_error("not scripted");
  }
  void barrier(std::string_view /*what*/) override {}
  void broadcast(std::span<std::byte> /*data*/, int /*root*/, std::string_view /*what*/) override {}
  [[nodiscard]] std::vector<std::string> gather(std::string_view mine, int /*root*/,
                                                std::string_view what) override {
    return all_gather(mine, what);
  }
  void exchange(std::span<const std::byte> /*mine*/, std::span<std::byte> /*theirs*/, int /*peer*/,
                std::string_view /*what*/) override {
    throw std::logic_error("not scripted");
  }
  void all_reduce_host(std::span<double> /*values*/, ReduceOp /*op*/, std::string_view /*what*/) override {}

  void fail_next_gather(Error error) { fail_with_ = std::move(error); }
  [[nodiscard]] const std::string& last_sent() const noexcept { return last_sent_; }
  [[nodiscard]] const std::string& last_what() const noexcept { return last_what_; }

 private:
  std::vector<std::string> others_;
  std::optional<Error> fail_with_;
  std::string last_sent_;
  std::string last_what_;
};

}  // namespace ft
