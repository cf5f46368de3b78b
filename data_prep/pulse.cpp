#include "pulse.h"

#include <algorithm>

#include "ft/comm/poll.h"

namespace ft {
namespace {

constexpr std::chrono::milliseconds kInterval{50};
constexpr std::size_t kFields = sizeof(RankState) / sizeof(std::int64_t);

RankState combine(const std::vector<RankState>& states) {
  RankState world;
  for (const RankState& state : states) {
    world.done += state.done;
    world.stop = std::max(world.stop, state.stop);
    world.finished += state.finished;
    if (state.refused != 0) {
      world.refused = world.refused == 0 ? state.refused : std::min(world.refused, state.refused);
    }
  }
  return world;
}

}  // namespace

Pulse::Pulse(Communicator& communicator)
    : communicator_(communicator), states_(static_cast<std::size_t>(communicator.world_size())) {}

Pulse::~Pulse() = default;

void Pulse::beat(const RankState& mine) {
  if (!complete()) return;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) return;
  next_ = now + kInterval;
  start(mine);
}

void Pulse::finish(RankState mine, const std::function<void(RankState&)>& update) {
  const PollPacer pacer(kBriefSleep);
  mine.finished = 1;
  for (;;) {
    // A beat from before may still be under way: whether all have finished is asked after each.
    while (!complete()) {
      update(mine);
      pacer.sleep();
    }
    if (world_.finished == communicator_.world_size()) return;
    start(mine);
  }
}

bool Pulse::complete() {
  if (!under_way_) return true;
  if (!under_way_->test()) return false;
  under_way_.reset();
  world_ = combine(states_);
  return true;
}

// A sum in which each rank has its own place is a gather.
void Pulse::start(const RankState& mine) {
  std::fill(states_.begin(), states_.end(), RankState{});
  states_[static_cast<std::size_t>(communicator_.rank())] = mine;
  under_way_ = communicator_.start_all_reduce(states_.data(), states_.size() * kFields, ElementKind::kInt64,
                                              ReduceOp::kSum);
}

}  // namespace ft
