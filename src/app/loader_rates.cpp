#include "loader_rates.h"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include <sys/resource.h>

#include "ft/base/file.h"
#include "ft/base/hash.h"
#include "ft/base/stopwatch.h"
#include "ft/data/step_plan.h"

#include "payload_places.h"

namespace ft::app {
namespace {

constexpr std::uint64_t kSamplesPerRound = 512;
constexpr int kWarmUpBatches = 2;

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

LoaderStats difference(const LoaderStats& after, const LoaderStats& before) {
  LoaderStats stats = after;
  stats.read_s -= before.read_s;
  stats.decode_s -= before.decode_s;
  stats.resize_s -= before.resize_s;
  stats.write_s -= before.write_s;
  stats.samples -= before.samples;
  return stats;
}

// One stretch of samples, ready to be read: what is timed is reading alone.
struct Stretch {
  std::vector<std::uint64_t> ids;
  std::vector<PayloadPlace> places;
  std::uint64_t bytes = 0;
  std::uint64_t largest = 0;
};

Stretch make_stretch(std::vector<std::uint64_t> ids, const PayloadPlaces& places) {
  Stretch stretch{.ids = std::move(ids), .places = {}};
  for (const std::uint64_t id : stretch.ids) {
    const PayloadPlace place = places.of(id);
    stretch.places.push_back(place);
    stretch.bytes += place.bytes;
    stretch.largest = std::max(stretch.largest, place.bytes);
  }
  return stretch;
}

double seconds_of(const auto& work) {
  const Stopwatch watch;
  work();
  return watch.seconds();
}

}  // namespace

LoaderRate measure_loader(const PackedSet& set, const LoaderOptions& options, HowLong how_long) {
  LoaderOptions loader_options = options;
  const std::uint64_t batch =
      std::min<std::uint64_t>(std::max<std::size_t>(options.max_batch, 1), set.size());
  loader_options.max_batch = static_cast<std::size_t>(batch);
  const StepPlan plan(set.size(), {}, batch, options.seed);
  Loader loader(set, loader_options,
                [&plan, cursor = BatchCursor(plan), step = std::uint64_t{0}](BatchRequest& request) mutable {
                  const auto ids = cursor.batch(++step);
                  request.epoch = plan.position_of(step).epoch;
                  request.sample_ids.assign(ids.begin(), ids.end());
                  return true;
                });
  for (int i = 0; i < kWarmUpBatches; ++i) static_cast<void>(loader.next());

  LoaderRate rate;
  rate.threads = options.workers;
  const LoaderStats stages_before = loader.stats();
  const double cpu_before = cpu_seconds();
  const Stopwatch wall;
  const auto over = [&] {
    return how_long.epochs > 0 ? rate.spent.images >= how_long.epochs * set.size()
                               : rate.spent.wall_s >= how_long.seconds;
  };
  while (!over()) {
    rate.spent.images += loader.next()->size();
    rate.spent.wall_s = wall.seconds();
  }
  rate.spent.cpu_s = cpu_seconds() - cpu_before;
  rate.stages = difference(loader.stats(), stages_before);
  return rate;
}

ReadRates measure_reading(const PackedSet& set, std::uint64_t seed, int rounds) {
  const PayloadPlaces places(set);
  const StepPlan plan(set.size(), {}, std::min(set.size(), kSamplesPerRound), seed);
  ReadRates rates;
  std::vector<std::byte> buffer;
  std::uint64_t hash = 0;
  for (int round = 0; round < rounds; ++round) {
    const Stretch stretch = make_stretch(plan.batch(static_cast<std::uint64_t>(round) + 1), places);
    buffer.resize(std::max<std::size_t>(buffer.size(), stretch.largest));
    const auto pread_all = [&] {
      for (const PayloadPlace& place : stretch.places) places.read(place, buffer);
    };
    const auto pread_and_hash_all = [&] {
      for (const PayloadPlace& place : stretch.places) {
        places.read(place, buffer);
        hash ^= xxh3_64(std::span(buffer).first(place.bytes));
      }
    };
    const auto read_all = [&] {
      for (const std::uint64_t id : stretch.ids) static_cast<void>(set.read(id, buffer));
    };
    pread_all();  // into the page cache
    // Each is first, second and last in turn.
    const std::array<std::function<void()>, 3> ways{
        [&] { rates.pread_s.push_back(seconds_of(pread_all)); },
        [&] { rates.pread_hash_s.push_back(seconds_of(pread_and_hash_all)); },
        [&] { rates.set_s.push_back(seconds_of(read_all)); }};
    for (std::size_t i = 0; i < ways.size(); ++i) ways[(i + static_cast<std::size_t>(round)) % ways.size()]();
    rates.images += stretch.ids.size();
    rates.bytes += stretch.bytes;
  }
  return rates;
}

double median_ratio(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < a.size(); ++i) ratios.push_back(a[i] / b[i]);
  std::ranges::sort(ratios);
  return ratios[ratios.size() / 2];
}

}  // namespace ft::app
