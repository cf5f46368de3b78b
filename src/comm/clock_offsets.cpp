#include "ft/comm/clock_offsets.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>

namespace ft {

namespace {

constexpr std::string_view kWhat = "comparing the hosts' clocks";
constexpr double kNanosecond = 1e-9;

std::string pack(std::int64_t value) {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

std::int64_t unpack(const std::string& text) {
  std::int64_t value = 0;
  std::memcpy(&value, text.data(), std::min(text.size(), sizeof(value)));
  return value;
}

// Each rank's clock is ahead of this rank's by at least so many nanoseconds.
std::vector<std::int64_t> least_leads(Communicator& host, int rounds, const WallClock& clock) {
  std::vector<std::int64_t> leads(static_cast<std::size_t>(host.world_size()),
                                  std::numeric_limits<std::int64_t>::min());
  for (int round = 0; round < rounds; ++round) {
    host.barrier(kWhat);  // so that a stamp is young when it arrives
    const std::vector<std::string> stamps = host.all_gather(pack(clock()), kWhat);
    const std::int64_t received = clock();
    for (std::size_t r = 0; r < leads.size(); ++r) {
      leads[r] = std::max(leads[r], unpack(stamps[r]) - received);
    }
  }
  return leads;
}

}  // namespace

std::int64_t system_nanoseconds() {
  using namespace std::chrono;
  return duration_cast<nanoseconds>(system_clock::now().time_since_epoch()).count();
}

std::vector<ClockOffset> compare_clocks(Communicator& host, int rounds, const WallClock& clock) {
  const std::vector<std::int64_t> leads = least_leads(host, rounds, clock);
  std::vector<ClockOffset> offsets;
  for (const std::string& lead_of_root : host.gather(pack(leads[0]), 0, kWhat)) {
    const std::int64_t lead = leads[offsets.size()];
    offsets.push_back(
        {static_cast<double>(lead) * kNanosecond, -static_cast<double>(unpack(lead_of_root)) * kNanosecond});
  }
  return offsets;
}

}  // namespace ft
