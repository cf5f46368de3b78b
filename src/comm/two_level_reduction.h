// An all-reduce over several hosts with several ranks each: first within each host, then across hosts, then
// within again.
//
// The data are cut into a chunk for each place on a host. Within a host, the rank of that place adds its
// chunk up; the ranks of one place on all hosts then sum it among themselves; last, each host's ranks take
// each other's chunks. So a host sends 2 (H - 1) / H of the data over the network, however many ranks it has,
// where the direct exchange would send as much for each of its ranks. Additions go in the order of the ranks
// of a host, then in that of the hosts: a function of the map of hosts and nothing else.
// Only what crosses hosts travels as bfloat16.
#pragma once

#include <memory>
#include <optional>

#include "direct_reduction.h"
#include "host_groups.h"

namespace ft {

class TwoLevelReduction final : public Reduction {
 public:
  // `task` as for the whole world: its rank and world_size are those of the world, its flow is for what
  // crosses hosts. `groups` and `pool` must outlive it.
  TwoLevelReduction(const ReductionTask& task, const MessageFlow& within_host, const HostGroups& groups,
                    ScratchPool& pool);

  void begin(MessagePort& port) override;
  void sent(int peer, MessageKind kind, std::size_t segment, MessagePort& port) override;
  void received(int peer, MessageKind kind, std::size_t segment, MessagePort& port) override;
  [[nodiscard]] bool done() const noexcept override { return finished_; }
  void release(ScratchPool& pool) override;

 private:
  // A level that a peer's messages belong to, and its place there.
  struct Place {
    Reduction* level;
    const std::vector<int>* group;
    int index;
  };
  [[nodiscard]] Place place_of(int peer, MessageKind kind);
  [[nodiscard]] ReductionTask within(Half half) const;
  [[nodiscard]] ReductionTask across() const;
  void go_on(MessagePort& port);

  ReductionTask task_;
  MessageFlow within_host_;
  const HostGroups* groups_;
  ScratchPool* pool_;
  DirectReduction scatter_;  // within the host
  std::unique_ptr<Reduction> across_;
  std::optional<DirectReduction> gather_;  // within the host
  bool finished_ = false;
};

}  // namespace ft
