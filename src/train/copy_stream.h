// A device's two streams: the one that computes, and one for copies beside it.
#pragma once

#include <memory>

#include <torch/torch.h>

namespace ft {

class CopyStream {
 public:
  // A place in the compute stream.
  using Point = std::shared_ptr<void>;

  CopyStream() = default;
  CopyStream(const CopyStream&) = delete;
  CopyStream& operator=(const CopyStream&) = delete;
  virtual ~CopyStream() = default;

  // After all that has been given to the compute stream so far.
  [[nodiscard]] virtual Point compute_so_far() = 0;
  // Copies from now on come after that point.
  virtual void copies_follow(const Point& point) = 0;
  // From the host's memory, which must stay as it is until wait() has come back.
  virtual void copy(torch::Tensor to, const torch::Tensor& from) = 0;
  // What is given to the compute stream from now on comes after all copies so far.
  virtual void compute_follows() = 0;
  // The host waits for all copies so far.
  virtual void wait() = 0;
};

// On a stream of LibTorch's pool. The device's compute stream is the calling thread's current one.
[[nodiscard]] std::unique_ptr<CopyStream> make_copy_stream(const torch::Device& device);

}  // namespace ft
