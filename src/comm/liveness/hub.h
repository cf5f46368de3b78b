// Rank 0's side: it hears everyone, decides who is lost, and tells all others.
#pragma once

#include <vector>

#include "doorway.h"
#include "loss_text.h"
#include "watcher.h"

namespace ft {

class Hub final : public Watcher {
 public:
  // `listener` is bound to roster.ranks[0].address. `activity` must outlive the hub.
  Hub(Roster roster, Socket listener, const Activity& activity, const LivenessTiming& timing, Clock clock);

  [[nodiscard]] std::optional<Verdict> turn(std::chrono::milliseconds longest_wait, int wake) override;
  [[nodiscard]] bool joined() const override { return joined_; }
  [[nodiscard]] std::string missing() const override;
  [[nodiscard]] bool told() const override;
  [[nodiscard]] std::optional<TimePoint> progressed() const override { return progressed_; }
  void hurry() override { timing_.shorten(); }
  void tell_failure(const std::string& what) override;
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
  void admit(Doorway::Guest guest);
  [[nodiscard]] std::optional<Verdict> take(int rank, const std::vector<Message>& messages);
  void beat();
  [[nodiscard]] bool watched(const Peer& peer) const { return joined_ && !peer.departed; }
  [[nodiscard]] std::optional<Verdict> judge();
  void tell_all(const Message& message);

  Roster roster_;
  const Activity* activity_;
  LivenessTiming timing_;
  Clock clock_;
  Doorway doorway_;
  StallGuard stalls_;
  PollSet set_;
  std::vector<Peer> peers_;  // by rank; the first is this one
  TimePoint now_{};
  TimePoint next_beat_{};
  std::optional<TimePoint> first_loss_;
  std::optional<TimePoint> progressed_;
  bool joined_ = false;
  bool over_ = false;
};

}  // namespace ft
