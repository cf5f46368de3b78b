// One all-reduce by direct exchange, as a state machine that knows no MPI: what to send and receive next when
// a message has come or gone.
//
// Chunk r belongs to rank r. Every rank sends its piece of chunk r to rank r, which adds the pieces in the
// order of the ranks and sends the sum to all. A rank sends and receives 2 (n - 1) / n of the data, as in a
// ring, but the order of additions depends on nothing, and there are two messages' latencies instead of
// 2 (n - 1).
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "ft/comm/communicator.h"

#include "direct_plan.h"
#include "scratch_pool.h"

namespace ft {

// Which message: a rank's piece on its way to the owner, or the owner's sum.
enum class MessageKind : std::uint8_t { kPiece, kSum };

// Where the state machine leaves its messages. Messages of one kind between two ranks arrive in order.
class MessagePort {
 public:
  MessagePort() = default;
  MessagePort(const MessagePort&) = delete;
  MessagePort& operator=(const MessagePort&) = delete;
  virtual ~MessagePort() = default;
  virtual void send(const void* data, std::size_t bytes, int peer, MessageKind kind, std::size_t segment) = 0;
  virtual void receive(void* data, std::size_t bytes, int peer, MessageKind kind, std::size_t segment) = 0;
};

// What a reduction is moved on by.
class Reduction {
 public:
  Reduction() = default;
  Reduction(const Reduction&) = delete;
  Reduction& operator=(const Reduction&) = delete;
  virtual ~Reduction() = default;

  virtual void begin(MessagePort& port) = 0;
  // A message that this reduction left with the port has gone, or has come.
  virtual void sent(int peer, MessageKind kind, std::size_t segment, MessagePort& port) = 0;
  virtual void received(int peer, MessageKind kind, std::size_t segment, MessagePort& port) = 0;
  [[nodiscard]] virtual bool done() const noexcept = 0;
  // Once done. Not before: messages still go there.
  virtual void release(ScratchPool& pool) = 0;
};

// All of an all-reduce, or one of its halves: kScatter leaves each rank's chunk summed on that rank and the
// rest of the data as it was; kGather takes summed chunks everywhere.
enum class Half : std::uint8_t { kBoth, kScatter, kGather };

// How data are cut for their way, and how much of them may be under way.
struct MessageFlow {
  std::size_t segment_bytes = 0;  // on the wire
  std::size_t window = 1;         // pieces under way to one peer
  std::size_t slots = 1;          // pieces from one peer that there is room for until they are added
  // After so long without news a wait sleeps, which takes at least fifty microseconds. Yielding instead would
  // cost milliseconds on a busy core.
  std::chrono::microseconds patience{50};
};

struct ReductionTask {
  std::byte* data = nullptr;
  std::size_t count = 0;
  ElementKind kind = ElementKind::kFloat32;  // float32, float64 or int64
  Wire wire = Wire::kAsIs;
  int rank = 0;
  int world_size = 1;
  MessageFlow flow = {};
  std::size_t exchange_bytes = 0;  // what is no longer is not cut at all (ExchangeReduction)
  Half half = Half::kBoth;         // a half only with Wire::kAsIs
};

class DirectReduction final : public Reduction {
 public:
  // Takes its scratch from `pool`; nothing is sent yet.
  DirectReduction(const ReductionTask& task, ScratchPool& pool);

  void begin(MessagePort& port) override;
  void sent(int peer, MessageKind kind, std::size_t segment, MessagePort& port) override;
  void received(int peer, MessageKind kind, std::size_t segment, MessagePort& port) override;
  [[nodiscard]] bool done() const noexcept override { return remaining_ == 0; }
  void release(ScratchPool& pool) override;

  // Elements of the data that this rank adds up.
  [[nodiscard]] DataPiece own_chunk() const noexcept { return plan_.chunk(task_.rank); }

 private:
  // Of this rank with one peer.
  struct Exchange {
    std::size_t pieces_posted = 0;  // sends
    std::vector<bool> piece_gone;
    std::size_t sums_posted = 0;  // receives
  };

  [[nodiscard]] std::size_t travel_bytes(const DataPiece& piece) const noexcept;
  // Where a piece is sent from and its sum is received: the data, or their bfloat16 copy.
  [[nodiscard]] std::byte* travel_address(const DataPiece& piece) const noexcept;
  [[nodiscard]] std::byte* slot(int peer, std::size_t segment) const noexcept;
  void begin_pieces(MessagePort& port);
  void begin_sums(MessagePort& port);
  void post_sum_receive(int peer, std::size_t segment, MessagePort& port);
  void send_sum(std::size_t segment, MessagePort& port);
  void post_piece_send(int peer, MessagePort& port);
  void post_piece_receive(int peer, std::size_t segment, MessagePort& port);
  void add_segment(std::size_t segment);
  void add_what_has_come(MessagePort& port);

  ReductionTask task_;
  std::size_t travel_width_;  // bytes of an element on the wire
  DirectPlan plan_;
  std::vector<int> peers_;  // starting behind this rank, so that not all send to the same one first
  std::vector<Exchange> exchanges_;
  std::vector<int> arrived_;   // pieces of each own segment
  std::size_t slots_;          // for each peer
  std::size_t slot_elements_;  // a segment, or less where the own chunk is shorter
  std::size_t added_ = 0;      // own segments
  std::size_t remaining_ = 0;  // messages
  ScratchBuffer pieces_;       // others' pieces of this rank's chunk
  ScratchBuffer rounded_;      // all of the data as bfloat16
};

}  // namespace ft
