// An NCCL that does what a test says, and a queue without a device.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "ft/comm/bfloat16.h"

#include "device_queue.h"
#include "nccl_api.h"

namespace ft {

// Function pointers carry no state, so the calls find the test's FakeNccl through current(). One at a time.
class FakeNccl {
 public:
  FakeNccl() { current() = this; }
  FakeNccl(const FakeNccl&) = delete;
  FakeNccl& operator=(const FakeNccl&) = delete;
  ~FakeNccl() { current() = nullptr; }

  // What the calls return.
  int version = NCCL_VERSION_CODE;
  ncclResult_t unique_id_result = ncclSuccess;
  ncclResult_t init_result = ncclInProgress;
  ncclResult_t all_reduce_result = ncclInProgress;
  ncclResult_t register_result = ncclInProgress;
  ncclResult_t finalize_result = ncclInProgress;
  ncclResult_t async_error_result = ncclSuccess;  // of the question, not the answer
  // The call that does not come back ("abort", "destroy").
  std::string hangs_in;
  // How often the state is "in progress" after each call; below zero: for ever.
  int polls_in_progress = 2;
  // The state after that.
  ncclResult_t state = ncclSuccess;

  // What was called, in order.
  std::vector<std::string> calls;
  int config_blocking = -1;
  std::vector<std::pair<ncclDataType_t, ncclRedOp_t>> reductions;

  [[nodiscard]] NcclApi api() const {
    return {.get_version = &get_version,
            .get_unique_id = &get_unique_id,
            .comm_init_rank_config = &init,
            .comm_get_async_error = &async_error,
            .comm_finalize = &finalize,
            .comm_destroy = &destroy,
            .comm_abort = &abort,
            .comm_register = &register_memory,
            .comm_deregister = &deregister_memory,
            .all_reduce = &all_reduce,
            .get_error_string = &error_string,
            .get_last_error = &last_error};
  }

 private:
  static FakeNccl*& current() {
    static FakeNccl* fake = nullptr;
    return fake;
  }
  ncclResult_t begin(const char* call, ncclResult_t result) {
    calls.emplace_back(call);
    if (hangs_in == call) std::this_thread::sleep_for(std::chrono::minutes(1));
    polls_left_ = polls_in_progress;
    return result;
  }

  static ncclResult_t get_version(int* version) {
    *version = current()->version;
    return ncclSuccess;
  }
  static ncclResult_t get_unique_id(ncclUniqueId* /*id*/) { return current()->unique_id_result; }
  static ncclResult_t init(ncclComm_t* comm, int /*ranks*/, ncclUniqueId /*id*/, int /*rank*/,
                           ncclConfig_t* config) {
    current()->config_blocking = config->blocking;
    *comm = reinterpret_cast<ncclComm_t>(current());  // opaque to everyone; only its being there counts
    return current()->begin("init", current()->init_result);
  }
  static ncclResult_t async_error(ncclComm_t /*comm*/, ncclResult_t* result) {
    auto& fake = *current();
    const bool busy = fake.polls_left_ != 0;
    if (fake.polls_left_ > 0) --fake.polls_left_;
    *result = busy ? ncclInProgress : fake.state;
    return fake.async_error_result;
  }
  static ncclResult_t finalize(ncclComm_t /*comm*/) {
    return current()->begin("finalize", current()->finalize_result);
  }
  static ncclResult_t register_memory(ncclComm_t /*comm*/, void* data, std::size_t /*bytes*/, void** handle) {
    *handle = data;
    return current()->begin("register", current()->register_result);
  }
  static ncclResult_t deregister_memory(ncclComm_t /*comm*/, void* /*handle*/) {
    return current()->begin("deregister", ncclSuccess);
  }
  static ncclResult_t destroy(ncclComm_t /*comm*/) { return current()->begin("destroy", ncclSuccess); }
  static ncclResult_t abort(ncclComm_t /*comm*/) { return current()->begin("abort", ncclSuccess); }
  static ncclResult_t all_reduce(const void* /*send*/, void* /*receive*/, std::size_t /*count*/,
                                 ncclDataType_t type, ncclRedOp_t op, ncclComm_t /*comm*/,
                                 cudaStream_t /*stream*/) {
    current()->reductions.emplace_back(type, op);
    return current()->begin("all_reduce", current()->all_reduce_result);
  }
  static const char* error_string(ncclResult_t result) {
    return result == ncclRemoteError ? "remote process exited" : "unhandled system error";
  }
  static const char* last_error(ncclComm_t /*comm*/) { return "connection reset by n2"; }

  int polls_left_ = 0;
};

// Records its calls among NCCL's, so that their order can be seen.
class FakeQueue final : public DeviceQueue {
 public:
  explicit FakeQueue(FakeNccl& nccl, const bool& device_is_done)
      : nccl_(nccl), device_is_done_(device_is_done) {}
  ~FakeQueue() override { nccl_.calls.emplace_back("queue gone"); }

  [[nodiscard]] void* native_handle() const override { return nullptr; }
  void follow_compute() override { nccl_.calls.emplace_back("follow_compute"); }
  [[nodiscard]] std::shared_ptr<void> rounded_copy(const void* values, std::size_t count) override {
    nccl_.calls.emplace_back("round");
    auto copy = std::make_shared<std::vector<std::uint16_t>>(count);
    for (std::size_t i = 0; i < count; ++i) {
      (*copy)[i] = float_to_bfloat16(static_cast<const float*>(values)[i]);
    }
    last_copy = copy;
    return {copy, copy->data()};
  }
  void widen(const std::shared_ptr<void>& rounded, void* values, std::size_t count) override {
    nccl_.calls.emplace_back("widen");
    for (std::size_t i = 0; i < count; ++i) {
      static_cast<float*>(values)[i] = bfloat16_to_float(static_cast<const std::uint16_t*>(rounded.get())[i]);
    }
  }
  [[nodiscard]] std::unique_ptr<QueuePoint> mark() override {
    nccl_.calls.emplace_back("mark");
    return std::make_unique<Point>(device_is_done_, ++marks_);
  }
  [[nodiscard]] void* scratch() override { return &scratch_; }

  std::weak_ptr<void> last_copy;

 private:
  // A second apart.
  class Point final : public QueuePoint {
   public:
    Point(const bool& device_is_done, int number) : device_is_done_(device_is_done), number_(number) {}
    [[nodiscard]] bool passed() const override { return device_is_done_; }
    [[nodiscard]] double seconds_since(const QueuePoint& earlier) const override {
      return number_ - static_cast<const Point&>(earlier).number_;
    }

   private:
    const bool& device_is_done_;
    int number_;
  };

  FakeNccl& nccl_;
  const bool& device_is_done_;
  float scratch_ = 0;
  int marks_ = 0;
};

}  // namespace ft
