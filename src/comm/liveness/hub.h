// Rank 0's side: it hears everyone, decides who is lost, and tells all others.
#pragma once

#include <vector>

#include "doorway.h"
#include "herald.h"
#include "loss_text.h"
#include "roll_call.h"
#include "watcher.h"

namespace ft {

class Hub final : public Watcher {
 public:
  // `listener` is bound to roster.ranks[0].address. `activity` must outlive the hub.
  Hub(Roster roster, Socket listener, const Activity& activity, const LivenessTiming& timing, Clock clock);

  [[nodiscard]] std::optional<Verdict> turn(std::chrono::milliseconds longest_wait, int wake) override;
  [[nodiscard]] bool joined() const override { return joined_; }
  [[nodiscard]] Missing missing() const override;
  [[nodiscard]] bool told() const override;
  [[nodiscard]] std::string busy_elsewhere(std::string_view what) const override;
  [[nodiscard]] std::optional<TimePoint> progressed() const override { return progressed_; }
  void hurry() override { timing_.shorten(); }
  void tell_failure(const OwnFailure& failure) override;
  void say_farewell() override;

 private:
  struct Peer {
    Connection connection;
    bool joined = false;
    bool departed = false;  // said farewell
    TimePoint heard{};
    std::optional<ActivityReport> last;
    std::size_t place = 0;
  };

  void poll(std::chrono::milliseconds longest_wait, int wake);
  [[nodiscard]] std::optional<Verdict> admit(Doorway::Guest guest);
  [[nodiscard]] std::optional<Verdict> take(int rank, const std::vector<Message>& messages);
  void beat();
  void call_the_missing();
  [[nodiscard]] std::vector<int> missing_ranks() const;
  [[nodiscard]] bool watched(const Peer& peer) const { return joined_ && !peer.departed; }
  [[nodiscard]] bool is_lost(std::size_t rank) const;
  [[nodiscard]] bool whole_hosts_are_lost() const;
  [[nodiscard]] std::optional<Verdict> judge();
  void tell_all(const Message& message);
  void close_with(const Verdict& verdict);

  Roster roster_;
  const Activity* activity_;
  LivenessTiming timing_;
  Clock clock_;
  Doorway doorway_;
  StallGuard stalls_;
  RollCall roll_call_;
  PollSet set_;
  std::vector<Peer> peers_;  // by rank; the first is this one
  TimePoint began_{};
  TimePoint now_{};
  TimePoint next_beat_{};
  std::optional<TimePoint> first_loss_;
  std::optional<TimePoint> progressed_;
  bool joined_ = false;
  bool over_ = false;
  std::optional<Verdict> verdict_;
  std::optional<Herald> herald_;
};

}  // namespace ft
