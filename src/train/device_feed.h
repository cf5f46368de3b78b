// The feed of a device with memory of its own, over given streams: what the tests make.
#pragma once

#include <memory>

#include "ft/train/batch_feed.h"

#include "copy_stream.h"

namespace ft {

[[nodiscard]] std::unique_ptr<BatchFeed> make_device_feed(BatchSource source, const LoaderOptions& loading,
                                                          torch::ScalarType type, const torch::Device& device,
                                                          std::unique_ptr<CopyStream> copies);

}  // namespace ft
