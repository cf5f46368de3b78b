#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <liburing.h>

#include "ft/base/error.h"
#include "ft/base/file.h"

#include "read_ways.h"

namespace ft::bench {
namespace {

constexpr std::size_t kBlock = 4096;  // what O_DIRECT wants offsets, lengths and addresses to be multiples of

void check(int result, std::string_view what) {
  if (result < 0) throw Error(ExitCode::kBug, fmt::format("io_uring: {}: {}", what, errno_text(-result)));
}

class Ring {
 public:
  explicit Ring(unsigned depth) { check(io_uring_queue_init(depth, &ring_, 0), "set up"); }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  ~Ring() { io_uring_queue_exit(&ring_); }

  void read(int fd, std::span<std::byte> out, std::uint64_t offset, std::uint64_t tag) {
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    if (entry == nullptr) throw Error(ExitCode::kBug, "io_uring: more reads than the ring has room for");
    io_uring_prep_read(entry, fd, out.data(), static_cast<unsigned>(out.size()), offset);
    io_uring_sqe_set_data64(entry, tag);
    check(io_uring_submit(&ring_), "submit");
  }

  struct Done {
    std::uint64_t tag;
    std::size_t bytes;
  };
  // Waits for whichever comes first.
  [[nodiscard]] Done wait() {
    io_uring_cqe* entry = nullptr;
    int result = 0;
    do result = io_uring_wait_cqe(&ring_, &entry);
    while (result == -EINTR);
    check(result, "wait");
    const int got = entry->res;
    const std::uint64_t tag = io_uring_cqe_get_data64(entry);
    io_uring_cqe_seen(&ring_, entry);
    check(got, "read");
    return {tag, static_cast<std::size_t>(got)};
  }

 private:
  io_uring ring_{};
};

// One read on its way: the sample, and the blocks around it when the read is direct.
struct Slot {
  explicit Slot(std::size_t largest) : memory(largest + 3 * kBlock) {
    void* begin = memory.data();
    std::size_t room = memory.size();
    aligned = static_cast<std::byte*>(std::align(kBlock, kBlock, begin, room));
  }

  std::vector<std::byte> memory;
  std::byte* aligned;
  std::size_t index = 0;
  std::size_t before = 0;  // bytes in front of the sample
};

// What one thread has: its share of the reads in flight, and a ring that nobody else uses.
struct Lane {
  Lane(std::size_t depth, std::size_t largest) : ring(static_cast<unsigned>(depth)) {
    for (std::size_t i = 0; i < depth; ++i) slots.emplace_back(largest);
  }

  std::vector<Slot> slots;
  Ring ring;
};

class UringWay : public ReadWay {
 public:
  UringWay(const WaySetup& setup, bool direct) : direct_(direct) {
    const std::size_t depth = std::max<std::size_t>(1, kAhead / setup.threads);
    for (std::size_t i = 0; i < setup.threads; ++i) {
      lanes_.push_back(std::make_unique<Lane>(depth, setup.largest));
    }
    for (const ShardEntry& shard : setup.set.manifest().shards) {
      const std::filesystem::path path = setup.set.directory() / shard.file;
      files_.emplace_back(::open(path.c_str(), O_RDONLY | O_CLOEXEC | (direct_ ? O_DIRECT : 0)));
      if (!files_.back()) throw_errno("open", path.string());
      // Else a read between pages that happen to be cached reads ahead: a fifth more from a disk whose data
      // do not fit in memory.
      if (!direct_) static_cast<void>(::posix_fadvise(files_.back().get(), 0, 0, POSIX_FADV_RANDOM));
    }
  }

  // Samples are taken as they come, out of order: the best that a loader could make of it.
  void run(std::size_t thread, Stream& stream, const Sink& sink) override {
    Lane& lane = *lanes_[thread];
    std::size_t in_flight = 0;
    for (std::size_t i = 0; i < lane.slots.size() && start(lane, i, stream); ++i) ++in_flight;
    while (in_flight > 0) {
      const Ring::Done done = lane.ring.wait();
      const Slot& slot = lane.slots[done.tag];
      const std::uint64_t bytes = stream.place(slot.index).bytes;
      if (done.bytes < slot.before + bytes) throw DataError("io_uring: a shard ends too early");
      sink(slot.index, {slot.aligned + slot.before, bytes});
      if (!start(lane, done.tag, stream)) --in_flight;
    }
  }

 private:
  bool start(Lane& lane, std::size_t number, Stream& stream) const {
    const auto index = stream.take();
    if (!index) return false;
    const app::PayloadPlace& place = stream.place(*index);
    Slot& slot = lane.slots[number];
    slot.index = *index;
    slot.before = direct_ ? place.offset % kBlock : 0;
    std::size_t length = slot.before + place.bytes;
    if (direct_) length = (length + kBlock - 1) / kBlock * kBlock;
    lane.ring.read(files_[place.shard].get(), {slot.aligned, length}, place.offset - slot.before, number);
    return true;
  }

  bool direct_;
  std::vector<UniqueFd> files_;
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace

std::unique_ptr<ReadWay> make_uring_way(const WaySetup& setup, bool direct) {
  return std::make_unique<UringWay>(setup, direct);
}

}  // namespace ft::bench
