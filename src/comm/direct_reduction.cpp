#include "direct_reduction.h"

#include <algorithm>
#include <utility>

#include "rank_order_sum.h"

namespace ft {

namespace {

std::uint16_t* as_bfloat16(std::byte* bytes) noexcept {
  return reinterpret_cast<std::uint16_t*>(bytes);
}

}  // namespace

DirectReduction::DirectReduction(const ReductionTask& task, ScratchPool& pool)
    : task_(task),
      travel_width_(byte_size(task.wire == Wire::kBFloat16 ? ElementKind::kBFloat16 : task.kind)),
      plan_(task.count, task.world_size, task.flow.segment_bytes / travel_width_),
      exchanges_(static_cast<std::size_t>(task.world_size)),
      arrived_(plan_.segments(task.rank)),
      slots_(std::min(task.flow.slots, arrived_.size())),
      slot_elements_(std::min(plan_.segment_elements(), own_chunk().count)) {
  // Each half moves as many messages: pieces to the owners, sums from them.
  const std::size_t halves = task.half == Half::kBoth ? 2 : 1;
  const auto others = static_cast<std::size_t>(task.world_size - 1);
  remaining_ = halves * others * arrived_.size();
  for (int step = 1; step < task.world_size; ++step) {
    const int peer = (task.rank + step) % task.world_size;
    peers_.push_back(peer);
    exchanges_[static_cast<std::size_t>(peer)].piece_gone.resize(plan_.segments(peer));
    remaining_ += halves * plan_.segments(peer);
  }
  if (task.half == Half::kGather) return;
  pieces_ = pool.take(others * slots_ * slot_elements_ * travel_width_);
  if (task.wire == Wire::kBFloat16) rounded_ = pool.take(task.count * travel_width_);
}

void DirectReduction::release(ScratchPool& pool) {
  pool.give_back(std::exchange(pieces_, {}));
  pool.give_back(std::exchange(rounded_, {}));
}

std::size_t DirectReduction::travel_bytes(const DataPiece& piece) const noexcept {
  return piece.count * travel_width_;
}

std::byte* DirectReduction::travel_address(const DataPiece& piece) const noexcept {
  return (rounded_.bytes ? rounded_.bytes.get() : task_.data) + piece.begin * travel_width_;
}

std::byte* DirectReduction::slot(int peer, std::size_t segment) const noexcept {
  const int place = peer < task_.rank ? peer : peer - 1;
  const std::size_t index = static_cast<std::size_t>(place) * slots_ + segment % slots_;
  return pieces_.bytes.get() + index * slot_elements_ * travel_width_;
}

void DirectReduction::begin(MessagePort& port) {
  if (task_.half == Half::kGather) {
    begin_sums(port);
  } else {
    begin_pieces(port);
  }
}

void DirectReduction::begin_sums(MessagePort& port) {
  for (const int peer : peers_) {
    for (std::size_t segment = 0; segment < plan_.segments(peer); ++segment) {
      post_sum_receive(peer, segment, port);
    }
  }
  for (std::size_t segment = 0; segment < arrived_.size(); ++segment) send_sum(segment, port);
}

void DirectReduction::begin_pieces(MessagePort& port) {
  // The place of a segment is free for the next one as soon as it has been added.
  for (std::size_t segment = 0; segment < slots_; ++segment) {
    for (const int peer : peers_) post_piece_receive(peer, segment, port);
  }
  if (rounded_.bytes) {
    round_to_bfloat16(reinterpret_cast<const float*>(task_.data), as_bfloat16(rounded_.bytes.get()),
                      task_.count);
  }
  for (std::size_t i = 0; i < task_.flow.window; ++i) {
    for (const int peer : peers_) post_piece_send(peer, port);
  }
}

void DirectReduction::post_piece_receive(int peer, std::size_t segment, MessagePort& port) {
  if (segment >= arrived_.size()) return;
  port.receive(slot(peer, segment), travel_bytes(plan_.segment(task_.rank, segment)), peer,
               MessageKind::kPiece, segment);
}

void DirectReduction::post_piece_send(int peer, MessagePort& port) {
  Exchange& exchange = exchanges_[static_cast<std::size_t>(peer)];
  if (exchange.pieces_posted == exchange.piece_gone.size()) return;
  const std::size_t segment = exchange.pieces_posted++;
  const DataPiece piece = plan_.segment(peer, segment);
  port.send(travel_address(piece), travel_bytes(piece), peer, MessageKind::kPiece, segment);
}

void DirectReduction::sent(int peer, MessageKind kind, std::size_t segment, MessagePort& port) {
  --remaining_;
  if (kind == MessageKind::kSum) return;
  post_piece_send(peer, port);
  if (task_.half == Half::kScatter) return;
  // A sum arrives where its piece was sent from, so only now may it come.
  Exchange& exchange = exchanges_[static_cast<std::size_t>(peer)];
  exchange.piece_gone[segment] = true;
  while (exchange.sums_posted < exchange.piece_gone.size() && exchange.piece_gone[exchange.sums_posted]) {
    post_sum_receive(peer, exchange.sums_posted++, port);
  }
}

void DirectReduction::post_sum_receive(int peer, std::size_t segment, MessagePort& port) {
  const DataPiece piece = plan_.segment(peer, segment);
  port.receive(travel_address(piece), travel_bytes(piece), peer, MessageKind::kSum, segment);
}

void DirectReduction::send_sum(std::size_t segment, MessagePort& port) {
  const DataPiece piece = plan_.segment(task_.rank, segment);
  for (const int peer : peers_) {
    port.send(travel_address(piece), travel_bytes(piece), peer, MessageKind::kSum, segment);
  }
}

void DirectReduction::received(int peer, MessageKind kind, std::size_t segment, MessagePort& port) {
  --remaining_;
  if (kind == MessageKind::kPiece) {
    ++arrived_[segment];
    add_what_has_come(port);
  } else if (rounded_.bytes) {
    const DataPiece piece = plan_.segment(peer, segment);
    widen_bfloat16(as_bfloat16(travel_address(piece)), reinterpret_cast<float*>(task_.data) + piece.begin,
                   piece.count);
  }
}

void DirectReduction::add_what_has_come(MessagePort& port) {
  while (added_ < arrived_.size() && arrived_[added_] == task_.world_size - 1) {
    const std::size_t segment = added_++;
    add_segment(segment);
    if (task_.half == Half::kBoth) send_sum(segment, port);
    for (const int peer : peers_) post_piece_receive(peer, segment + slots_, port);
  }
}

void DirectReduction::add_segment(std::size_t segment) {
  const DataPiece piece = plan_.segment(task_.rank, segment);
  std::byte* own = travel_address(piece);
  if (rounded_.bytes) {
    std::vector<const std::uint16_t*> terms;
    terms.reserve(exchanges_.size());
    for (int rank = 0; rank < task_.world_size; ++rank) {
      terms.push_back(as_bfloat16(rank == task_.rank ? own : slot(rank, segment)));
    }
    sum_bfloat16_in_order(terms, as_bfloat16(own), reinterpret_cast<float*>(task_.data) + piece.begin,
                          piece.count);
    return;
  }
  std::vector<const std::byte*> terms;
  terms.reserve(exchanges_.size());
  for (int rank = 0; rank < task_.world_size; ++rank) {
    terms.push_back(rank == task_.rank ? own : slot(rank, segment));
  }
  sum_in_order(terms, own, piece.count, task_.kind);
}

}  // namespace ft
