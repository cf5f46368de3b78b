#include "two_level_reduction.h"

#include <algorithm>

#include "exchange_reduction.h"

namespace ft {

namespace {

// Speaks of a group's members by their places in it.
class GroupPort final : public MessagePort {
 public:
  GroupPort(MessagePort& world, const std::vector<int>& members) : world_(&world), members_(&members) {}
  void send(const void* data, std::size_t bytes, int peer, MessageKind kind, std::size_t segment) override {
    world_->send(data, bytes, member(peer), kind, segment);
  }
  void receive(void* data, std::size_t bytes, int peer, MessageKind kind, std::size_t segment) override {
    world_->receive(data, bytes, member(peer), kind, segment);
  }

 private:
  [[nodiscard]] int member(int place) const { return (*members_)[static_cast<std::size_t>(place)]; }

  MessagePort* world_;
  const std::vector<int>* members_;
};

int index_in(const std::vector<int>& members, int rank) {
  return static_cast<int>(std::ranges::find(members, rank) - members.begin());
}

}  // namespace

TwoLevelReduction::TwoLevelReduction(const ReductionTask& task, const MessageFlow& within_host,
                                     const HostGroups& groups, ScratchPool& pool)
    : task_(task),
      within_host_(within_host),
      groups_(&groups),
      pool_(&pool),
      scatter_(within(Half::kScatter), pool) {}

ReductionTask TwoLevelReduction::within(Half half) const {
  ReductionTask task = task_;
  task.rank = index_in(groups_->here, task_.rank);
  task.world_size = static_cast<int>(groups_->here.size());
  task.wire = Wire::kAsIs;
  task.flow = within_host_;
  task.half = half;
  return task;
}

ReductionTask TwoLevelReduction::across() const {
  const DataPiece chunk = scatter_.own_chunk();
  ReductionTask task = task_;
  task.data += chunk.begin * byte_size(task_.kind);
  task.count = chunk.count;
  task.rank = index_in(groups_->across, task_.rank);
  task.world_size = static_cast<int>(groups_->across.size());
  return task;
}

void TwoLevelReduction::begin(MessagePort& port) {
  GroupPort here(port, groups_->here);
  scatter_.begin(here);
  go_on(port);
}

// Messages within the host are pieces, then sums, and those across hosts have other peers: kinds and peers
// tell the levels apart.
TwoLevelReduction::Place TwoLevelReduction::place_of(int peer, MessageKind kind) {
  const int here = index_in(groups_->here, peer);
  if (here < static_cast<int>(groups_->here.size())) {
    return {kind == MessageKind::kPiece ? &scatter_ : &*gather_, &groups_->here, here};
  }
  return {across_.get(), &groups_->across, index_in(groups_->across, peer)};
}

void TwoLevelReduction::sent(int peer, MessageKind kind, std::size_t segment, MessagePort& port) {
  const Place place = place_of(peer, kind);
  GroupPort group(port, *place.group);
  place.level->sent(place.index, kind, segment, group);
  go_on(port);
}

void TwoLevelReduction::received(int peer, MessageKind kind, std::size_t segment, MessagePort& port) {
  const Place place = place_of(peer, kind);
  GroupPort group(port, *place.group);
  place.level->received(place.index, kind, segment, group);
  go_on(port);
}

void TwoLevelReduction::go_on(MessagePort& port) {
  if (!across_ && scatter_.done()) {
    scatter_.release(*pool_);
    across_ = make_flat_reduction(across(), *pool_);
    GroupPort group(port, groups_->across);
    across_->begin(group);
  }
  if (!gather_ && across_ && across_->done()) {
    across_->release(*pool_);
    gather_.emplace(within(Half::kGather), *pool_);
    GroupPort group(port, groups_->here);
    gather_->begin(group);
  }
  finished_ = gather_ && gather_->done();
}

void TwoLevelReduction::release(ScratchPool& pool) {
  if (gather_) gather_->release(pool);
}

}  // namespace ft
