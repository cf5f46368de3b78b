#include "pack_pipeline.h"

#include <chrono>
#include <cstdio>
#include <memory>
#include <set>
#include <system_error>

#include <fmt/format.h>
#include <sys/stat.h>

#include "ft/base/error.h"
#include "ft/comm/backends.h"
#include "ft/data/packed_set.h"
#include "ft/report/progress.h"

#include "import_ledger.h"
#include "import_stage.h"
#include "library_versions.h"
#include "pack_summary.h"
#include "payload_spool.h"
#include "placement.h"
#include "resume.h"
#include "shard_stage.h"
#include "together.h"
#include "working_directory.h"

namespace ft {
namespace {

namespace fs = std::filesystem;

// A class that is short of good pictures is asked for at least so many more, and twice as many each time.
constexpr std::uint64_t kFirstReserve = 8;

void refuse_foreign_content(const fs::path& out) {
  std::error_code error;
  const fs::file_status status = fs::status(out, error);
  if (status.type() == fs::file_type::not_found) return;
  if (!fs::is_directory(status)) throw UsageError(fmt::format("--out {} is not a directory", out.string()));
  const bool empty = fs::is_empty(out, error);
  if (error) throw DataError(fmt::format("cannot read {}: {}", out.string(), error.message()));
  if (!empty) {
    throw UsageError(fmt::format("--out {} is not empty", out.string()),
                     "choose a new directory, or clear it");
  }
}

// "out/" and "out/." are "out", and a link is what it leads to: the working directory stands beside it, not
// in it, and can be renamed to it.
fs::path target_of(const fs::path& out) {
  std::error_code error;
  const fs::path whole = fs::weakly_canonical(fs::absolute(out), error);
  if (error) throw DataError(fmt::format("cannot resolve --out {}: {}", out.string(), error.message()));
  fs::path target = whole.has_filename() ? whole : whole.parent_path();
  if (fs::is_symlink(fs::symlink_status(target, error))) {
    throw UsageError(fmt::format("--out {} is a link that leads nowhere", out.string()));
  }
  struct stat own {};
  struct stat parent {};
  if (::stat(target.c_str(), &own) == 0 && ::stat(target.parent_path().c_str(), &parent) == 0 &&
      own.st_dev != parent.st_dev) {
    throw UsageError(
        fmt::format("--out {} is where a file system begins: it cannot appear as a whole", out.string()),
        "choose a directory in it");
  }
  return target;
}

// What the imports depend on; what only decides how shards are cut may change from one try to the next.
nlohmann::ordered_json key_of(const InputSet& input, const PackOptions& options) {
  nlohmann::ordered_json key = options_that_decide(input, options);
  key.erase("input");
  key.erase("shards");
  key.erase("shard_mib");
  key.erase("limit_per_class");
  return {{"format", "ft_pack working directory 2"},
          {"versions", versions_that_decide()},
          {"pictures", input.identity()},
          {"classes", input.classes()},
          {"encoding", std::move(key)}};
}

// Of an earlier try that cut the set otherwise.
void remove_other_shards(const fs::path& set, std::uint32_t count) {
  std::set<std::string> wanted;
  for (std::uint32_t i = 0; i < count; ++i) wanted.insert(shard_file_name(i, count));
  for (const auto& entry : fs::directory_iterator(set)) {
    if (!wanted.contains(entry.path().filename().string())) fs::remove_all(entry.path());
  }
}

struct Start {
  std::uint32_t attempt = 1;
  fs::path working;  // rank 0's path of it
};

// One pack, from what is there to all but the final rename.
class Packing {
 public:
  Packing(const InputSet& input, const PackOptions& options, Communicator& ranks,
          const std::function<bool()>& stop_requested)
      : input_(input),
        options_(options),
        ranks_(ranks),
        stop_requested_(stop_requested),
        is_root_(ranks.rank() == 0) {}

  // `directory`: rank 0's; null elsewhere.
  PackResult run(WorkingDirectory* directory) {
    together(ranks_, "reading the input", [&] {
      ledger_.emplace(input_);
      if (is_root_ && !options_.against.empty()) static_cast<void>(PackedSet(options_.against));
    });
    const Start start = begin(directory);
    import_all(start);
    Imported imported;
    together(ranks_, "counting", [&] { imported = ledger_->settle(options_.limit_per_class); });
    return write(start.working, std::move(imported));
  }

 private:
  Start begin(WorkingDirectory* directory) {
    Start start;
    std::string records;
    bool interrupted = false;
    together(ranks_, "looking for an earlier try", [&] {
      if (!is_root_) return;
      try {
        records = look_for_earlier(*directory, start);
      } catch (const Interrupted&) {
        interrupted = true;
      }
    });
    const std::string common = from_root(
        ranks_, interrupted ? "" : fmt::format("{} {}", start.attempt, start.working.string()), "starting");
    if (common.empty()) throw Interrupted();
    start.attempt = static_cast<std::uint32_t>(std::stoul(common));
    start.working = common.substr(common.find(' ') + 1);
    records = from_root(ranks_, std::move(records), "sharing what is there");
    if (!is_root_) ledger_->add(records);
    return start;
  }

  // On rank 0; returns the records of what an earlier try left.
  std::string look_for_earlier(WorkingDirectory& directory, Start& start) {
    start.working = directory.path();
    if (options_.fresh) directory.clear();
    std::string notice;
    EarlierTries earlier =
        take_up(directory, key_of(input_, options_), input_, options_.workers, stop_requested_, notice);
    if (!notice.empty()) fmt::print(stderr, "ft_pack: {}\n", notice);
    start.attempt = earlier.tries + 1;
    ledger_->add(earlier.records);
    tell(earlier);
    std::error_code error;
    fs::create_directories(set_path(start.working), error);
    if (error) throw DataError(fmt::format("cannot create {}: {}", start.working.string(), error.message()));
    return std::move(earlier.records);
  }

  void tell(const EarlierTries& earlier) const {
    if (earlier.samples == 0) return;
    const std::uint64_t all = ledger_->stored() + ledger_->wanted(options_.limit_per_class, 0).size();
    fmt::print(stderr, "ft_pack: resumes: {} of {} pictures are there{}\n", earlier.samples, all,
               earlier.dropped == 0
                   ? ""
                   : fmt::format(", {} have changed or are damaged and are read again", earlier.dropped));
  }

  void import_all(const Start& start) {
    together(ranks_, "opening the spools", [&] { open_output(start); });
    std::uint64_t reserve = 0;
    for (;;) {
      std::vector<std::uint64_t> wanted = ledger_->wanted(options_.limit_per_class, reserve);
      if (wanted.empty()) break;
      std::uint64_t done = ledger_->stored();
      Progress progress("import", done + wanted.size(), "inputs", is_root_, std::chrono::seconds(10), done);
      if (reserve == 0 && may_write_early()) {
        lay_out_early(start, Foresight(input_, wanted), done, progress);
        wanted = ledger_->wanted(options_.limit_per_class, reserve);
      }
      import_some(wanted, done, progress);
      progress.finish();
      if (options_.on_error == OnError::kFail) {
        together(ranks_, "importing", [&] { ledger_->require_none_refused(); });
      }
      reserve = reserve == 0 ? kFirstReserve : 2 * reserve;
    }
    together(ranks_, "closing the spools", [&] {
      if (ranks_.world_size() > 1) output_->spool.flush();
    });
  }

  void open_output(const Start& start) {
    const std::uint32_t number = spool_number(start.attempt, ranks_.rank());
    // Its parts do not move: make_unique could not put them in.
    output_.reset(
        new ImportOutput{SpoolWriter(start.working, number), JournalWriter(start.working, number), {}});
  }

  // Several ranks would write to one file, and what an earlier try has left lies elsewhere.
  [[nodiscard]] bool may_write_early() const {
    return ranks_.world_size() == 1 && ledger_->stored() == 0 && stores_files_as_found(options_.encoding);
  }

  void lay_out_early(const Start& start, Foresight foresight, std::uint64_t& done, Progress& progress) {
    // Where the first refused candidate ends the pack, none may be imported before its turn.
    const std::size_t most = options_.on_error == OnError::kFail ? 0 : foresight.samples.size();
    if (foresight.unforeseen.size() > most) return;
    import_some(foresight.unforeseen, done, progress);
    std::vector<ImportedSample> samples = std::move(foresight.samples);
    samples.insert(samples.end(), ledger_->samples().begin(), ledger_->samples().end());
    output_->early = EarlyShards::lay_out(start.working, start.attempt, input_, std::move(samples), options_);
  }

  // Counts them as done.
  void import_some(const std::vector<std::uint64_t>& candidates, std::uint64_t& done, Progress& progress) {
    const auto show = [&progress, done](std::int64_t tried) {
      progress.update(done + static_cast<std::uint64_t>(tried));
    };
    if (candidates.empty()) return;
    ledger_->add(import_candidates(input_, candidates, options_, *output_, ranks_, show, stop_requested_));
    done += candidates.size();
  }

  PackResult write(const fs::path& working, Imported imported) {
    const SpoolReader spools(working);
    together(ranks_, "clearing old shards", [&] {
      if (is_root_) remove_other_shards(set_path(working), shard_count(imported.samples, options_));
    });
    std::vector<ShardEntry> shards =
        write_shards(working, input_, imported.samples, options_, spools,
                     output_->early ? &*output_->early : nullptr, ranks_, stop_requested_);
    PackResult result;
    bool interrupted = false;
    together(ranks_, "summing up", [&] {
      if (!is_root_) return;
      try {
        result = summarize(input_, options_, std::move(imported), std::move(shards), spools, stop_requested_);
        write_unflushed(set_path(working) / kManifestName, to_json_text(result.manifest));
      } catch (const Interrupted&) {
        interrupted = true;
      }
    });
    if (from_root(ranks_, interrupted ? "1" : "", "ending") == "1") throw Interrupted();
    return result;
  }

  const InputSet& input_;
  const PackOptions& options_;
  Communicator& ranks_;
  const std::function<bool()>& stop_requested_;
  bool is_root_;
  std::optional<ImportLedger> ledger_;
  std::unique_ptr<ImportOutput> output_;
};

// What is kept is said; what is of no use is removed.
void leave(WorkingDirectory& directory) noexcept {
  try {
    if (directory.holds_samples()) {
      fmt::print(stderr, "ft_pack: what was imported is kept in {}: the same command goes on from there\n",
                 directory.path().string());
      return;
    }
  } catch (const std::exception&) {
    return;  // it cannot be read; nor could it be removed
  }
  directory.remove();
}

}  // namespace

PackResult pack(const InputSet& input, const fs::path& out, const PackOptions& options, Communicator& ranks,
                const std::function<bool()>& stop_requested) {
  std::optional<WorkingDirectory> directory;
  together(ranks, "opening --out", [&] {
    if (ranks.rank() != 0) return;
    const fs::path target = target_of(out);
    remove_what_a_finished_pack_left(target);
    refuse_foreign_content(out);
    directory.emplace(target);
  });
  PackResult result;
  try {
    Packing packing(input, options, ranks, stop_requested);
    result = packing.run(directory ? &*directory : nullptr);
  } catch (...) {
    if (directory) leave(*directory);
    throw;
  }
  together(ranks, "finishing", [&] {
    if (directory) directory->commit();
  });
  return result;
}

PackResult pack(const InputSet& input, const fs::path& out, const PackOptions& options,
                const std::function<bool()>& stop_requested) {
  const std::unique_ptr<Communicator> alone = make_single_communicator();
  return pack(input, out, options, *alone, stop_requested);
}

}  // namespace ft
