// An all-reduce of little data: every rank sends all to every other and adds everything up itself, in the
// order of the ranks. One message's latency instead of the direct reduction's two, for the same sum to the
// bit.
#pragma once

#include <memory>
#include <vector>

#include "direct_reduction.h"

namespace ft {

// Every rank receives, keeps and adds up everyone's data: beyond so many ranks that costs more than a
// latency.
inline constexpr int kMostExchanging = 16;

class ExchangeReduction final : public Reduction {
 public:
  // Takes its scratch from `pool`; nothing is sent yet. For Half::kBoth.
  ExchangeReduction(const ReductionTask& task, ScratchPool& pool);

  void begin(MessagePort& port) override;
  void sent(int peer, MessageKind kind, std::size_t segment, MessagePort& port) override;
  void received(int peer, MessageKind kind, std::size_t segment, MessagePort& port) override;
  [[nodiscard]] bool done() const noexcept override { return remaining_ == 0; }
  void release(ScratchPool& pool) override;

 private:
  [[nodiscard]] std::byte* place(int rank) const noexcept;
  void one_less();
  void add_up();

  ReductionTask task_;
  std::size_t bytes_;  // on the wire
  int remaining_;      // messages
  ScratchBuffer all_;  // by rank, as it travels
};

// Without levels: an ExchangeReduction up to the task's exchange_bytes and kMostExchanging ranks, a
// DirectReduction beyond. The same choice on every rank, and the same sum to the bit either way.
[[nodiscard]] std::unique_ptr<Reduction> make_flat_reduction(const ReductionTask& task, ScratchPool& pool);

}  // namespace ft
