// The NCCL communicator over a given queue and function table: what the tests make.
#pragma once

#include <chrono>
#include <memory>

#include "ft/comm/communicator.h"

#include "device_queue.h"
#include "nccl_api.h"

namespace ft {

// With calls of NCCL that can be neither polled nor called off.
inline constexpr std::chrono::seconds kNcclPatience{10};

// Collective over `host`, whose timeout it takes. Returns after a first all-reduce has gone through: NCCL
// connects ranks lazily, and a network that does not work should fail here.
[[nodiscard]] std::unique_ptr<Communicator> make_nccl_communicator(
    Communicator& host, std::unique_ptr<DeviceQueue> queue, const NcclApi& api,
    std::chrono::duration<double> patience = kNcclPatience);

}  // namespace ft
