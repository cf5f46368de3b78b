// Ways of getting the stored bytes of a stream of samples, to be compared. Only tests/bench knows them.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ft/data/packed_set.h"

#include "payload_places.h"

namespace ft::bench {

// The loader's default: how many samples ahead the kernel is asked for one, or are in flight, in all threads.
inline constexpr std::size_t kAhead = 32;

// The samples of one pass in order. Each goes to the thread that asks first, as in the loader.
class Stream {
 public:
  explicit Stream(std::vector<app::PayloadPlace> places) : places_(std::move(places)) {}

  [[nodiscard]] std::optional<std::size_t> take() noexcept {
    const std::size_t index = next_.fetch_add(1, std::memory_order_relaxed);
    return index < places_.size() ? std::optional(index) : std::nullopt;
  }
  void restart() noexcept { next_ = 0; }

  [[nodiscard]] std::size_t size() const noexcept { return places_.size(); }
  [[nodiscard]] const app::PayloadPlace& place(std::size_t index) const { return places_[index]; }

 private:
  std::vector<app::PayloadPlace> places_;
  std::atomic<std::size_t> next_{0};
};

// Gets a sample's place in the stream and its bytes, which stay for the duration of the call. Must be
// thread-safe.
using Sink = std::function<void(std::size_t, std::span<const std::byte>)>;

class ReadWay {
 public:
  ReadWay() = default;
  ReadWay(const ReadWay&) = delete;
  ReadWay& operator=(const ReadWay&) = delete;
  virtual ~ReadWay() = default;

  // What one of the threads does until the stream is used up.
  virtual void run(std::size_t thread, Stream& stream, const Sink& sink) = 0;
};

// What a way needs to know before the clock starts, so that its buffers, rings and maps are not timed.
struct WaySetup {
  const PackedSet& set;
  const app::PayloadPlaces& places;
  std::size_t threads;
  std::size_t largest;  // of the payloads, in bytes
};

[[nodiscard]] std::vector<std::string> way_names();
[[nodiscard]] std::unique_ptr<ReadWay> make_way(std::string_view name, const WaySetup& setup);

// By io_uring, with kAhead reads in flight; `direct`: past the page cache. Only where CMake found liburing.
[[nodiscard]] std::unique_ptr<ReadWay> make_uring_way(const WaySetup& setup, bool direct);

}  // namespace ft::bench
