#include "shard_stage.h"

#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "ft/base/error.h"
#include "ft/base/hash.h"
#include "ft/report/progress.h"

#include "ordered_parallel.h"
#include "pulse.h"
#include "shard_writer.h"
#include "together.h"
#include "working_directory.h"

namespace ft {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::chrono::milliseconds kBetweenBeats{20};
constexpr std::uint64_t kReadAtOnce = 512U << 10U;

// Beside set/: what says that a shard is complete.
fs::path receipt_path(const fs::path& working, const std::string& shard) {
  return working / (fs::path(shard).stem().string() + ".json");
}

// The shard that an earlier try wrote, when it was made of the same and its file is whole.
std::optional<ShardEntry> find_complete(const fs::path& working, const std::string& name,
                                        const std::string& made_of) {
  const fs::path receipt = receipt_path(working, name);
  const fs::path file = set_path(working) / name;
  std::error_code ignored;
  if (!fs::exists(receipt, ignored) || !fs::exists(file, ignored)) return std::nullopt;
  try {
    const Json json = Json::parse(read_text_file(receipt));
    ShardEntry entry = shard_entry_from_json(json.at("entry"));
    const bool wanted = entry.file == name && json.at("made_of") == made_of;
    if (wanted && entry.xxh3_128 == xxh3_128_of_file(file)) return entry;
  } catch (const nlohmann::json::exception&) {
    // Torn: the shard is written again.
  }
  return std::nullopt;
}

struct RowRange {
  std::size_t begin = 0;
  std::size_t count = 0;
};

// What the spools hold of some rows: all payloads, then all restart offsets.
class SpooledRows {
 public:
  SpooledRows(std::uint64_t payload, std::uint64_t restart_offsets)
      : bytes_(std::make_unique_for_overwrite<std::byte[]>(payload + restart_offsets)),
        payload_(bytes_.get(), payload),
        restart_offsets_(bytes_.get() + payload, restart_offsets) {}

  // Where the next row's go.
  [[nodiscard]] std::span<std::byte> next_payload(std::uint64_t bytes) {
    return payload_.subspan(std::exchange(payload_end_, payload_end_ + bytes), bytes);
  }
  [[nodiscard]] std::span<std::byte> next_restart_offsets(std::uint64_t bytes) {
    return restart_offsets_.subspan(std::exchange(offsets_end_, offsets_end_ + bytes), bytes);
  }
  [[nodiscard]] std::span<const std::byte> payload() const noexcept { return payload_; }
  [[nodiscard]] std::span<const std::byte> restart_offsets() const noexcept { return restart_offsets_; }

 private:
  std::unique_ptr<std::byte[]> bytes_;  // a vector would clear it first
  std::span<std::byte> payload_, restart_offsets_;
  std::uint64_t payload_end_ = 0, offsets_end_ = 0;
};

// One rank's shards.
class ShardStage {
 public:
  ShardStage(const fs::path& working, const InputSet& input, const std::vector<ImportedSample>& samples,
             const PackOptions& options, const SpoolReader& spools, const EarlyShards* early,
             Communicator& ranks, const std::function<bool()>& stop_requested)
      : working_(working),
        input_(input),
        samples_(samples),
        placement_(input, samples, options),
        workers_(options.workers),
        spools_(spools),
        early_(early),
        ranks_(ranks),
        stop_requested_(stop_requested),
        pulse_(ranks),
        progress_("write", samples.size(), "images", ranks.rank() == 0) {}

  // The entries of this rank's shards, in order.
  std::vector<ShardEntry> run() {
    std::vector<ShardEntry> entries;
    std::exception_ptr failure;
    try {
      entries = write_own();
    } catch (const Interrupted&) {
      mine_.stop = 1;
    } catch (...) {
      failure = std::current_exception();
      mine_.stop = 2;
    }
    mine_.done = written_.load();
    pulse_.finish(mine_, [this](RankState& mine) {
      if (stop_requested_()) mine.stop = std::max<std::int64_t>(mine.stop, 1);
      show(pulse_.world().done);
    });
    together(ranks_, "writing shards", [&failure] {
      if (failure) std::rethrow_exception(failure);
    });
    if (pulse_.world().stop != 0) throw Interrupted();
    show(pulse_.world().done);
    progress_.finish();
    return entries;
  }

  [[nodiscard]] std::uint32_t shards() const noexcept { return placement_.shards(); }

 private:
  std::vector<ShardEntry> write_own() {
    const auto rank = static_cast<std::uint32_t>(ranks_.rank());
    const auto world = static_cast<std::uint32_t>(ranks_.world_size());
    const std::uint32_t own = shards() > rank ? (shards() - rank - 1) / world + 1 : 0;
    OrderedParallel<ShardEntry> written(
        own, workers_, [&](std::size_t i) { return make(rank + static_cast<std::uint32_t>(i) * world); });
    std::vector<ShardEntry> entries;
    while (entries.size() < own) {
      beat();
      if (written.wait_for_next(kBetweenBeats)) entries.push_back(written.next());
    }
    return entries;
  }

  void beat() {
    if (stop_requested_()) mine_.stop = 1;
    mine_.done = written_.load();
    pulse_.beat(mine_);
    show(ranks_.world_size() == 1 ? mine_.done : pulse_.world().done);
    if (mine_.stop == 0 && pulse_.world().stop == 0) return;
    stopping_ = true;
    throw Interrupted();
  }

  void show(std::int64_t done) { progress_.update(static_cast<std::uint64_t>(done)); }

  // On a worker thread.
  ShardEntry make(std::uint32_t index) {
    const ShardPlace place{index, shards()};
    const ShardRows rows = placement_.rows_of(index);
    const std::string made_of = hash_of_shard_source(place, input_.classes(), rows);
    if (auto complete = find_complete(working_, shard_file_name(place.index, place.count), made_of)) {
      written_ += static_cast<std::int64_t>(rows.tables.rows());
      return *complete;
    }
    ShardEntry entry = write(place, rows);
    const Json receipt{{"made_of", made_of}, {"entry", to_json(entry)}};
    write_unflushed(receipt_path(working_, entry.file), receipt.dump());
    return entry;
  }

  ShardEntry write(ShardPlace place, const ShardRows& rows) {
    const std::optional<EarlyPayload> early =
        early_ != nullptr ? early_->complete(place, rows, samples_, spools_) : std::nullopt;
    ShardWriter writer(set_path(working_), place, input_.classes(), rows, early);
    if (writer.has_payload()) {
      written_ += static_cast<std::int64_t>(rows.tables.rows());
      return writer.finish();
    }
    const std::vector<RowRange> ranges = cut(rows.tables.sample_id);
    // Reading goes on while what was read is written.
    OrderedParallel<SpooledRows> spooled(ranges.size(), 1, [&](std::size_t i) {
      return read_rows(std::span(rows.tables.sample_id).subspan(ranges[i].begin, ranges[i].count));
    });
    for (const RowRange& range : ranges) {
      if (stopping_) throw Interrupted();
      const SpooledRows read = spooled.next();
      writer.append(read.payload());
      writer.append_restart_offsets(read.restart_offsets());
      written_ += static_cast<std::int64_t>(range.count);
    }
    return writer.finish();
  }

  // Neighbouring rows of about kReadAtOnce bytes.
  [[nodiscard]] std::vector<RowRange> cut(std::span<const std::uint64_t> ids) const {
    std::vector<RowRange> ranges;
    std::uint64_t bytes = kReadAtOnce;
    for (std::size_t row = 0; row < ids.size(); ++row) {
      if (bytes >= kReadAtOnce) {
        ranges.push_back({row, 0});
        bytes = 0;
      }
      ++ranges.back().count;
      bytes += samples_[ids[row]].bytes;
    }
    return ranges;
  }

  [[nodiscard]] SpooledRows read_rows(std::span<const std::uint64_t> ids) const {
    std::uint64_t payload = 0;
    std::uint64_t offsets = 0;
    for (const std::uint64_t id : ids) {
      payload += samples_[id].bytes;
      offsets += samples_[id].offset_bytes();
    }
    SpooledRows rows(payload, offsets);
    for (const std::uint64_t id : ids) {
      const ImportedSample& sample = samples_[id];
      spools_.read(sample.payload_spool, sample.payload_begin, rows.next_payload(sample.bytes));
      if (sample.restart_intervals == 0) continue;
      spools_.read(sample.rest_spool, sample.rest_begin, rows.next_restart_offsets(sample.offset_bytes()));
    }
    return rows;
  }

  const fs::path& working_;
  const InputSet& input_;
  const std::vector<ImportedSample>& samples_;
  Placement placement_;
  int workers_;
  const SpoolReader& spools_;
  const EarlyShards* early_;  // null: none
  Communicator& ranks_;
  const std::function<bool()>& stop_requested_;
  Pulse pulse_;
  RankState mine_;
  Progress progress_;
  std::atomic<std::int64_t> written_{0};
  std::atomic<bool> stopping_{false};
};

// Shard i is the next of rank i mod world.
std::vector<ShardEntry> gather_entries(const std::vector<ShardEntry>& mine, std::uint32_t shards,
                                       Communicator& ranks) {
  Json own = Json::array();
  for (const ShardEntry& entry : mine) own.push_back(to_json(entry));
  const std::vector<std::string> gathered = ranks.all_gather(own.dump(), "gathering what was written");
  std::vector<Json> lists;
  lists.reserve(gathered.size());
  for (const std::string& text : gathered) lists.push_back(Json::parse(text));
  std::vector<ShardEntry> entries;
  entries.reserve(shards);
  for (std::uint32_t i = 0; i < shards; ++i) {
    entries.push_back(shard_entry_from_json(lists[i % lists.size()].at(i / lists.size())));
  }
  return entries;
}

}  // namespace

std::vector<ShardEntry> write_shards(const fs::path& working, const InputSet& input,
                                     const std::vector<ImportedSample>& samples, const PackOptions& options,
                                     const SpoolReader& spools, const EarlyShards* early, Communicator& ranks,
                                     const std::function<bool()>& stop_requested) {
  ShardStage stage(working, input, samples, options, spools, early, ranks, stop_requested);
  const std::vector<ShardEntry> mine = stage.run();
  return gather_entries(mine, stage.shards(), ranks);
}

}  // namespace ft
