#include "shard_stage.h"

#include <atomic>
#include <chrono>
#include <exception>
#include <optional>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "ft/base/atomic_write.h"
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

// One rank's shards.
class ShardStage {
 public:
  ShardStage(const fs::path& working, const InputSet& input, const std::vector<ImportedSample>& samples,
             const PackOptions& options, const SpoolReader& spools, Communicator& ranks,
             const std::function<bool()>& stop_requested)
      : working_(working),
        input_(input),
        samples_(samples),
        placement_(input, samples, options),
        workers_(options.workers),
        spools_(spools),
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
    write_file_atomically(receipt_path(working_, entry.file), receipt.dump());
    return entry;
  }

  ShardEntry write(ShardPlace place, const ShardRows& rows) {
    ShardWriter writer(set_path(working_), place, input_.classes(), rows);
    std::vector<std::byte> buffer;
    for (const std::uint64_t id : rows.tables.sample_id) {
      if (stopping_) throw Interrupted();
      const ImportedSample& sample = samples_[id];
      buffer.resize(sample.bytes + sample.offset_bytes());
      const std::span<std::byte> record = buffer;
      spools_.read(sample.spool, sample.spool_begin, record);
      writer.append(record.first(sample.bytes));
      writer.append_restart_offsets(record.subspan(sample.bytes));
      ++written_;
    }
    return writer.finish();
  }

  const fs::path& working_;
  const InputSet& input_;
  const std::vector<ImportedSample>& samples_;
  Placement placement_;
  int workers_;
  const SpoolReader& spools_;
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
                                     const SpoolReader& spools, Communicator& ranks,
                                     const std::function<bool()>& stop_requested) {
  ShardStage stage(working, input, samples, options, spools, ranks, stop_requested);
  const std::vector<ShardEntry> mine = stage.run();
  return gather_entries(mine, stage.shards(), ranks);
}

}  // namespace ft
