#include "import_stage.h"

#include <algorithm>
#include <atomic>
#include <optional>

#include <fmt/format.h>

#include "ft/base/error.h"
#include "ft/base/hash.h"
#include "ft/report/progress.h"

#include "ordered_parallel.h"

namespace ft {
namespace {

// What a worker makes of one candidate: an image, a reason why not, or neither when it is no longer wanted.
struct Outcome {
  std::optional<EncodedImage> image;
  std::uint64_t payload_xxh3 = 0;
  std::uint64_t source_xxh3 = 0;
  std::string reason;
};

std::vector<std::uint64_t> count_candidates(const InputSet& input) {
  std::vector<std::uint64_t> counts(input.classes().size());
  for (std::size_t i = 0; i < input.size(); ++i) ++counts[static_cast<std::size_t>(input.label(i))];
  return counts;
}

// Takes outcomes in order. All that decides what is stored happens here, on one thread.
class Importer {
 public:
  Importer(const InputSet& input, const PackOptions& options, PayloadSpool& spool)
      : input_(input),
        options_(options),
        spool_(spool),
        stored_(input.classes().size()),
        full_(input.classes().size()),
        first_failure_(input.classes().size()) {}

  // On a worker. Whether a class is full may be seen late, which wastes work but changes nothing.
  [[nodiscard]] Outcome work(std::size_t candidate) const {
    Outcome outcome;
    if (full_[class_of(candidate)].load(std::memory_order_relaxed)) return outcome;
    try {
      LoadedImage loaded = input_.load(candidate);
      outcome.image = encode_image(std::move(loaded.image), options_.encoding);
      outcome.payload_xxh3 = xxh3_64(outcome.image->payload);
      outcome.source_xxh3 = loaded.source_xxh3;
    } catch (const ImportError& error) {
      outcome.reason = error.what();
    }
    return outcome;
  }

  void take(std::size_t candidate, const Outcome& outcome) {
    const std::size_t label = class_of(candidate);
    if (full_[label].load(std::memory_order_relaxed)) return;
    if (!outcome.image) return skip(candidate, outcome.reason);
    store(candidate, outcome);
    if (++stored_[label] == options_.limit_per_class) full_[label].store(true, std::memory_order_relaxed);
  }

  [[nodiscard]] Imported finish(const std::vector<std::uint64_t>& candidates) {
    for (std::size_t i = 0; i < stored_.size(); ++i) {
      if (stored_[i] > 0) continue;
      throw DataError(fmt::format("class '{}' has no usable picture among its {} files ({})",
                                  input_.classes()[i], candidates[i], first_failure_[i]),
                      "remove it, or choose the others with --classes");
    }
    return std::move(imported_);
  }

 private:
  [[nodiscard]] std::size_t class_of(std::size_t candidate) const {
    return static_cast<std::size_t>(input_.label(candidate));
  }

  void skip(std::size_t candidate, const std::string& reason) {
    const std::string source = input_.source(candidate);
    if (options_.on_error == OnError::kFail) {
      throw DataError(fmt::format("{}: {}", source, reason), "--on-error skip leaves such files out");
    }
    std::string& first = first_failure_[class_of(candidate)];
    if (first.empty()) first = fmt::format("{}: {}", source, reason);
    imported_.skipped.push_back({source, reason});
  }

  void store(std::size_t candidate, const Outcome& outcome) {
    const EncodedImage& image = *outcome.image;
    const std::uint64_t spool_begin = spool_.append(image.payload);
    spool_.append(std::as_bytes(std::span(image.restart_offset)));
    imported_.samples.push_back(
        {.candidate = candidate,
         .spool_begin = spool_begin,
         .bytes = image.payload.size(),
         .xxh3 = outcome.payload_xxh3,
         .source_xxh3 = outcome.source_xxh3,
         .width = static_cast<std::uint32_t>(image.width),
         .height = static_cast<std::uint32_t>(image.height),
         .label = input_.label(candidate),
         .codec = image.codec,
         .restart_intervals = static_cast<std::uint32_t>(image.restart_offset.size())});
    note(candidate, image);
  }

  void note(std::size_t candidate, const EncodedImage& image) {
    if (!image.converted.empty()) imported_.converted.push_back({input_.source(candidate), image.converted});
    if (image.exif_oriented) ++imported_.exif_oriented;
    if (image.resampled) ++imported_.resampled;
    if (!image.restart_offset.empty()) {
      ++imported_.transcoded.samples;
      imported_.transcoded.bytes_found += image.found_bytes;
      imported_.transcoded.bytes_stored += image.payload.size();
    }
  }

  const InputSet& input_;
  const PackOptions& options_;
  PayloadSpool& spool_;
  std::vector<std::uint64_t> stored_;
  std::vector<std::atomic<bool>> full_;
  std::vector<std::string> first_failure_;
  Imported imported_;
};

}  // namespace

Imported import_all(const InputSet& input, const PackOptions& options, PayloadSpool& spool,
                    const std::function<bool()>& stop_requested) {
  const std::vector<std::uint64_t> candidates = count_candidates(input);
  const auto empty = std::find(candidates.begin(), candidates.end(), 0U);
  if (empty != candidates.end()) {
    const std::size_t index = static_cast<std::size_t>(empty - candidates.begin());
    throw DataError(fmt::format("class '{}' has no pictures", input.classes()[index]),
                    "choose the others with --classes");
  }
  if (input.size() > kMaxSamples) {
    throw DataError(fmt::format("{} inputs are more than a set can hold ({})", input.size(), kMaxSamples));
  }
  Importer importer(input, options, spool);
  OrderedParallel<Outcome> outcomes(input.size(), options.workers,
                                    [&importer](std::size_t candidate) { return importer.work(candidate); });
  Progress progress("import", input.size(), "inputs");
  for (std::size_t i = 0; i < input.size(); ++i) {
    if (stop_requested()) throw Interrupted();
    importer.take(i, outcomes.next());
    progress.update(i + 1);
  }
  progress.finish();
  return importer.finish(candidates);
}

}  // namespace ft
