// The NCCL backend. Set-up calls go over the host communicator it is built from; all-reduces run on device
// memory on a high-priority stream of its own.
#pragma once

#include <memory>

#include "ft/comm/communicator.h"

namespace ft {

// The device must be current. `host` must outlive it. Throws UsageError in a build without CUDA
// (FT_CUDA=OFF).
[[nodiscard]] std::unique_ptr<Communicator> make_nccl_communicator(Communicator& host, int device_index);

}  // namespace ft
