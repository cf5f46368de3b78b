// The side of every rank but 0: it beats to the hub, believes its verdicts, and when the hub is lost finds
// out with the others who speaks in its place.
#pragma once

#include <list>
#include <vector>

#include "doorway.h"
#include "herald.h"
#include "inquiry.h"
#include "loss_text.h"
#include "watcher.h"

namespace ft {

class Member final : public Watcher {
 public:
  // `listener` is bound to roster.ranks[rank].address. `activity` must outlive the member.
  Member(int rank, Roster roster, Socket listener, const Activity& activity, const LivenessTiming& timing,
         Clock clock);

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
  enum class Phase {
    kJoining,
    kWatching,
    kInquiring,  // the hub is lost, or so it seems: who is below this rank?
    kReleased,   // rank 0 has left in good order: nobody watches any more
    kOver
  };

  // A rank above this one that asks, or one below that tells.
  struct Guest {
    int rank;
    Connection connection;
    bool asks;
    std::size_t place = 0;
    bool polled = false;
  };

  void poll(std::chrono::milliseconds longest_wait, int wake);
  void note_long_turn(TimePoint::duration length);
  void join();
  void beat();
  [[nodiscard]] std::optional<Verdict> hear_hub();
  [[nodiscard]] std::optional<Verdict> hear_guests();
  [[nodiscard]] bool hub_is_back() const;
  [[nodiscard]] bool misses_hub() const;
  [[nodiscard]] std::optional<Verdict> judge();
  [[nodiscard]] std::optional<Verdict> conclude();
  [[nodiscard]] Verdict speak(const std::vector<int>& also_lost, const std::string& remark);
  void tell_those_above(const Verdict& verdict);
  void pass_on(const Verdict& verdict);

  int rank_;
  Roster roster_;
  const Activity* activity_;
  LivenessTiming timing_;
  Clock clock_;
  Doorway doorway_;
  StallGuard stalls_;
  PollSet set_;
  Phase phase_ = Phase::kJoining;
  Connection hub_;
  bool joined_ = false;
  std::optional<TimePoint> refused_since_;  // while joining
  bool refused_before_ = false;             // by the last try but one
  std::size_t hub_place_ = 0;
  std::list<Guest> guests_;
  std::optional<Inquiry> inquiry_;
  std::optional<Herald> herald_;
  std::optional<Verdict> verdict_;
  TimePoint now_{};
  TimePoint awake_since_{};
  bool overslept_ = false;  // since the inquiry began
  TimePoint next_beat_{};
  TimePoint next_try_{};
  TimePoint heard_{};
  std::optional<ActivityReport> last_;
  std::optional<TimePoint> progressed_;
};

}  // namespace ft
