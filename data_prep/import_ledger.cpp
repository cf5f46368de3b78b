#include "import_ledger.h"

#include <algorithm>

#include <fmt/format.h>

#include "ft/base/error.h"

namespace ft {
namespace {

void count(const ImportedSample& sample, Imported& imported) {
  if (sample.exif_oriented) ++imported.exif_oriented;
  if (sample.resampled) ++imported.resampled;
  if (sample.restart_intervals == 0) return;
  ++imported.transcoded.samples;
  imported.transcoded.bytes_found += sample.found_bytes;
  imported.transcoded.bytes_stored += sample.bytes;
}

}  // namespace

ImportLedger::ImportLedger(const InputSet& input)
    : input_(input), candidates_(input.classes().size()), states_(input.size(), State::kUntried) {
  for (std::size_t i = 0; i < input.size(); ++i) ++candidates_[class_of(i)];
  const auto empty = std::find(candidates_.begin(), candidates_.end(), 0U);
  if (empty != candidates_.end()) {
    const auto index = static_cast<std::size_t>(empty - candidates_.begin());
    throw DataError(fmt::format("class '{}' has no pictures", input.classes()[index]),
                    "choose the others with --classes");
  }
  if (input.size() > kMaxSamples) {
    throw DataError(fmt::format("{} inputs are more than a set can hold ({})", input.size(), kMaxSamples));
  }
}

void ImportLedger::add(std::string_view text) {
  visit_records(text, [this](ImportRecord&& record) {
    State& state = states_.at(record.sample.candidate);
    if (state != State::kUntried) return;
    state = record.refused ? State::kRefused : State::kStored;
    if (!record.refused) samples_.push_back(record.sample);
    if (record.note.empty()) return;
    std::vector<Note>& notes = record.refused ? refused_ : converted_;
    notes.push_back({record.sample.candidate, std::move(record.note)});
  });
}

std::vector<std::uint64_t> ImportLedger::wanted(std::uint64_t limit_per_class, std::uint64_t reserve) const {
  std::vector<std::uint64_t> wanted;
  std::uint64_t candidate = 0;
  for (const std::uint64_t count : candidates_) {
    const std::uint64_t end = candidate + count;
    std::uint64_t good = 0;  // those not tried yet are taken for good
    std::uint64_t more = 0;
    for (; candidate < end; ++candidate) {
      const bool full = limit_per_class != 0 && good >= limit_per_class;
      // A reserve only where something is missing anyway.
      if (full && (more == 0 || more >= reserve)) break;
      if (states_[candidate] == State::kRefused) continue;
      ++good;
      if (states_[candidate] == State::kStored) continue;
      wanted.push_back(candidate);
      ++more;
    }
    candidate = end;
  }
  return wanted;
}

void ImportLedger::require_none_refused() const {
  const auto first = std::min_element(refused_.begin(), refused_.end(),
                                      [](const Note& a, const Note& b) { return a.candidate < b.candidate; });
  if (first == refused_.end()) return;
  throw DataError(fmt::format("{}: {}", input_.source(first->candidate), first->text),
                  "--on-error skip leaves such files out");
}

void ImportLedger::require_every_class(const std::vector<std::uint64_t>& stored) const {
  for (std::size_t i = 0; i < stored.size(); ++i) {
    if (stored[i] > 0) continue;
    const auto first = std::find_if(refused_.begin(), refused_.end(),
                                    [&](const Note& note) { return class_of(note.candidate) == i; });
    throw DataError(
        fmt::format("class '{}' has no usable picture among its {} files ({}: {})", input_.classes()[i],
                    candidates_[i], input_.source(first->candidate), first->text),
        "remove it, or choose the others with --classes");
  }
}

Imported ImportLedger::settle(std::uint64_t limit_per_class) {
  const auto by_candidate = [](const auto& a, const auto& b) { return a.candidate < b.candidate; };
  std::sort(samples_.begin(), samples_.end(), by_candidate);
  std::sort(refused_.begin(), refused_.end(), by_candidate);
  std::sort(converted_.begin(), converted_.end(), by_candidate);

  Imported imported;
  std::vector<std::uint64_t> stored(candidates_.size());
  // Behind a class's last one counts nothing, neither good nor bad.
  std::vector<std::uint64_t> last(candidates_.size(), input_.size());
  const auto surplus = [&](const ImportedSample& sample) {
    const std::size_t label = class_of(sample.candidate);
    if (limit_per_class != 0 && stored[label] == limit_per_class) return true;
    if (++stored[label] == limit_per_class) last[label] = sample.candidate;
    count(sample, imported);
    return false;
  };
  samples_.erase(std::remove_if(samples_.begin(), samples_.end(), surplus), samples_.end());
  require_every_class(stored);
  const auto list = [&](std::vector<Note>& notes, std::vector<InputNote>& out) {
    for (Note& note : notes) {
      if (note.candidate > last[class_of(note.candidate)]) continue;
      out.push_back({input_.source(note.candidate), std::move(note.text)});
    }
    notes.clear();
  };
  list(refused_, imported.skipped);
  list(converted_, imported.converted);
  imported.samples = std::move(samples_);
  return imported;
}

}  // namespace ft
