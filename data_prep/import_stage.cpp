#include "import_stage.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <memory>

#include "ft/base/hash.h"

#include "import_record.h"
#include "ordered_parallel.h"
#include "payload_encoding.h"
#include "picture_look.h"
#include "pulse.h"
#include "together.h"

namespace ft {
namespace {

constexpr std::size_t kBlock = 16;
constexpr std::chrono::milliseconds kBetweenBeats{20};

// What is imported waits as records, which are small; taken many at a time, they cost the threads less.
constexpr std::size_t kAheadPerWorker = 64;
constexpr std::size_t kTakenPerWorker = 8;

void append_bytes(std::vector<std::byte>& out, std::span<const std::byte> bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void describe_image(const EncodedImage& image, ImportedSample& sample) {
  sample.bytes = image.payload.size();
  sample.xxh3 = xxh3_64(image.payload);
  sample.found_bytes = image.found_bytes;
  sample.restart_intervals = static_cast<std::uint32_t>(image.restart_offset.size());
  sample.width = static_cast<std::uint32_t>(image.width);
  sample.height = static_cast<std::uint32_t>(image.height);
  sample.codec = image.codec;
  sample.exif_oriented = image.exif_oriented;
  sample.resampled = image.resampled;
}

void describe_look(const PictureLook& look, ImportedSample& sample) {
  sample.pixels_xxh3 = look.pixels_xxh3;
  sample.look_hash = look.hash;
  sample.telling = look.telling;
}

// One worker thread's: from a candidate to a record, whose payload is then in the spool.
class CandidateImport {
 public:
  CandidateImport(const InputSet& input, const EncodingOptions& encoding, ImportOutput& output)
      : input_(input), encoding_(encoding), output_(output), buffers_(rows_wanted_for(encoding)) {}

  ImportRecord run(std::uint64_t candidate) {
    ImportRecord record;
    record.sample.candidate = candidate;
    record.sample.label = input_.label(candidate);
    try {
      import_into(record);
    } catch (const ImportError& error) {
      record = {.sample = {.candidate = candidate, .label = record.sample.label},
                .refused = true,
                .note = error.what()};
    }
    return record;
  }

 private:
  void import_into(ImportRecord& record) {
    ImportedSample& sample = record.sample;
    LoadedImage loaded = input_.load(sample.candidate, buffers_);
    sample.source_xxh3 = loaded.source_xxh3;
    sample.stamp = loaded.stamp;
    // Before anything is resampled: a copy is one whatever is stored of it.
    const PictureLook look = look_at(loaded.image.size, loaded.image.pixels);
    describe_look(look, sample);
    EncodedImage image = encode_image(loaded.image, encoding_);
    buffers_.keep(std::move(loaded.image.pixels));
    describe_image(image, sample);
    rest_.clear();
    append_bytes(rest_, std::as_bytes(std::span(image.restart_offset)));
    append_bytes(rest_, std::as_bytes(std::span(look.thumbnail.pixels)));
    sample.rest_xxh3 = static_cast<std::uint32_t>(xxh3_64(rest_));
    store(image, sample);
    buffers_.keep(std::move(image.payload));
    record.note = std::move(image.converted);
  }

  // The payload and rest_.
  void store(const EncodedImage& image, ImportedSample& sample) {
    SpoolWriter& spool = output_.spool;
    sample.rest_spool = spool.number();
    if (output_.early && output_.early->store(image.payload, sample)) {
      sample.rest_begin = spool.append(rest_);
      return;
    }
    sample.payload_spool = spool.number();
    sample.payload_begin = spool.append(image.payload, rest_);
    sample.rest_begin = sample.payload_begin + image.payload.size();
  }

  const InputSet& input_;
  const EncodingOptions& encoding_;
  ImportOutput& output_;
  ImportBuffers buffers_;
  std::vector<std::byte> rest_;  // its restart offsets and thumbnail
};

// Takes records in order, on one thread.
class Recorder {
 public:
  explicit Recorder(JournalWriter& journal) : journal_(journal) {}

  // False when the candidate is refused.
  bool take(const ImportRecord& record) {
    const std::size_t start = records_.size();
    append_record(records_, record);
    // The journal remembers good ones only: a refused one is tried again.
    if (!record.refused) journal_.append(std::string_view(records_).substr(start));
    return !record.refused;
  }

  [[nodiscard]] const std::string& records() const noexcept { return records_; }

 private:
  JournalWriter& journal_;
  std::string records_;
};

// One rank's work on its share, in step with the others as far as it must be.
class ShareImport {
 public:
  ShareImport(const InputSet& input, std::vector<std::uint64_t> share, const PackOptions& options,
              ImportOutput& output, Recorder& recorder, Communicator& ranks,
              const std::function<bool()>& stop_requested, const std::function<void(std::int64_t)>& show)
      : input_(input),
        share_(std::move(share)),
        options_(options),
        output_(output),
        recorder_(recorder),
        ranks_(ranks),
        stop_requested_(stop_requested),
        show_(show),
        pulse_(ranks) {}

  void run() {
    std::exception_ptr failure;
    try {
      import_until_stopped();
    } catch (...) {
      failure = std::current_exception();
      mine_.stop = 2;
    }
    pulse_.finish(mine_, [this](RankState& mine) {
      if (stop_requested_()) mine.stop = std::max<std::int64_t>(mine.stop, 1);
      show_(pulse_.world().done);
    });
    together(ranks_, "importing", [&failure] {
      if (failure) std::rethrow_exception(failure);
    });
    if (pulse_.world().stop != 0) throw Interrupted();
    show_(pulse_.world().done);
  }

 private:
  void import_until_stopped() {
    const auto make_import = [this]() -> OrderedParallel<ImportRecord>::Work {
      const auto import = std::make_shared<CandidateImport>(input_, options_.encoding, output_);
      return [this, import](std::size_t i) { return import->run(share_[i]); };
    };
    OrderedParallel<ImportRecord> imported(share_.size(), options_.workers, make_import, kAheadPerWorker);
    const std::size_t many = kTakenPerWorker * static_cast<std::size_t>(options_.workers);
    for (const std::uint64_t candidate : share_) {
      // What is there already is taken without waiting for more.
      bool is_there = imported.wait_for_next(std::chrono::milliseconds(0));
      while (!must_end_before(candidate) && !is_there) is_there = imported.wait_for_next(kBetweenBeats, many);
      if (must_end_before(candidate)) return;
      const bool good = recorder_.take(imported.next());
      if (output_.early) output_.early->hand_to_disk();
      ++mine_.done;
      show_(ranks_.world_size() == 1 ? mine_.done : pulse_.world().done);
      if (good || options_.on_error == OnError::kSkip) continue;
      mine_.refused = static_cast<std::int64_t>(candidate) + 1;
      return;
    }
  }

  // Also the place where this rank hears of the others.
  bool must_end_before(std::uint64_t candidate) {
    if (stop_requested_()) mine_.stop = 1;
    pulse_.beat(mine_);
    const RankState& world = pulse_.world();
    const bool behind_refused = world.refused != 0 && static_cast<std::int64_t>(candidate) >= world.refused;
    return mine_.stop != 0 || world.stop != 0 || behind_refused;
  }

  const InputSet& input_;
  std::vector<std::uint64_t> share_;
  const PackOptions& options_;
  ImportOutput& output_;
  Recorder& recorder_;
  Communicator& ranks_;
  const std::function<bool()>& stop_requested_;
  const std::function<void(std::int64_t)>& show_;
  Pulse pulse_;
  RankState mine_;
};

}  // namespace

std::vector<std::uint64_t> share_of_rank(const std::vector<std::uint64_t>& wanted, int rank, int world_size) {
  std::vector<std::uint64_t> share;
  const auto stride = static_cast<std::size_t>(world_size) * kBlock;
  for (std::size_t begin = static_cast<std::size_t>(rank) * kBlock; begin < wanted.size(); begin += stride) {
    const std::size_t end = std::min(wanted.size(), begin + kBlock);
    for (std::size_t i = begin; i < end; ++i) share.push_back(wanted[i]);
  }
  return share;
}

std::string import_candidates(const InputSet& input, const std::vector<std::uint64_t>& wanted,
                              const PackOptions& options, ImportOutput& output, Communicator& ranks,
                              const std::function<void(std::int64_t)>& show,
                              const std::function<bool()>& stop_requested) {
  Recorder recorder(output.journal);
  ShareImport(input, share_of_rank(wanted, ranks.rank(), ranks.world_size()), options, output, recorder,
              ranks, stop_requested, show)
      .run();
  std::string all;
  for (const std::string& records : ranks.all_gather(recorder.records(), "gathering what was imported")) {
    all += records;
  }
  return all;
}

}  // namespace ft
