// How fast data comes: the loader with its stages, and plain reading beside it. No torch, no MPI.
#pragma once

#include <cstdint>
#include <vector>

#include "ft/data/loader.h"
#include "ft/data/packed_set.h"

namespace ft::app {

// What one measurement took. CPU time is the whole process's, all threads: on a machine with neighbours it
// says more than the wall clock does.
struct Spent {
  std::uint64_t images = 0;
  double wall_s = 0;
  double cpu_s = 0;

  [[nodiscard]] double per_second() const noexcept { return static_cast<double>(images) / wall_s; }
  [[nodiscard]] double per_cpu_second() const noexcept { return static_cast<double>(images) / cpu_s; }
};

struct LoaderRate {
  int threads = 0;
  Spent spent;
  LoaderStats stages;  // of the samples done meanwhile
};

// When a measurement ends: after so many passes over the set, or, when that is 0, after so many seconds.
struct HowLong {
  double seconds = 10;
  std::uint64_t epochs = 0;
};

// Full training batches, epoch after epoch, that nobody works with. The first batches warm up and do not
// count. `options.max_batch` is the batch; it is cut to the set's size.
[[nodiscard]] LoaderRate measure_loader(const PackedSet& set, const LoaderOptions& options, HowLong how_long);

// The same stored bytes in the same order by three ways of reading, in turn, on one thread, warm: each
// stretch of samples is read once before it is timed. One entry a round; images and bytes are those of all
// rounds.
struct ReadRates {
  std::uint64_t images = 0;
  std::uint64_t bytes = 0;
  std::vector<double> pread_s;       // bare pread(2)
  std::vector<double> pread_hash_s;  // and XXH3-64 over the bytes, which is how a set knows them to be whole
  std::vector<double> set_s;         // PackedSet::read
};

[[nodiscard]] ReadRates measure_reading(const PackedSet& set, std::uint64_t seed, int rounds);

// The median of a[i] / b[i].
[[nodiscard]] double median_ratio(const std::vector<double>& a, const std::vector<double>& b);

}  // namespace ft::app
