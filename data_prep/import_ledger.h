// Which candidates have been imported and what became of them. Every rank keeps the same one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ft/data/manifest.h"

#include "import_record.h"
#include "input_set.h"
#include "pack_pipeline.h"

namespace ft {

// What goes into the set.
struct Imported {
  std::vector<ImportedSample> samples;  // their places are the sample ids
  std::vector<InputNote> converted;
  std::vector<InputNote> skipped;
  std::uint64_t exif_oriented = 0;
  Transcoded transcoded;
  std::uint64_t resampled = 0;
};

// About 100 bytes a sample.
class ImportLedger {
 public:
  // Throws DataError when a class has no candidates, or when there are too many.
  explicit ImportLedger(const InputSet& input);

  // Takes the records of `text` (import_record.h). A candidate's first record counts.
  void add(std::string_view text);
  // Those that are good, in no order.
  [[nodiscard]] const std::vector<ImportedSample>& samples() const noexcept { return samples_; }
  [[nodiscard]] std::uint64_t stored() const noexcept { return samples_.size(); }

  // The candidates that must be imported next, ascending; none when all is there. With a limit, these are
  // the first of each class that would fill it if all were good: so nothing is imported in vain, and a rank
  // need not know how the others fare. When some were not good, the next call asks for more, `reserve` above
  // what is missing, so that a class of bad pictures does not take as many calls.
  [[nodiscard]] std::vector<std::uint64_t> wanted(std::uint64_t limit_per_class, std::uint64_t reserve) const;

  // Throws DataError for the first refused candidate, if there is any.
  void require_none_refused() const;

  // When nothing is wanted any more; the ledger is empty afterwards. Throws DataError when a class has come
  // out empty.
  [[nodiscard]] Imported settle(std::uint64_t limit_per_class);

 private:
  enum class State : std::uint8_t { kUntried, kStored, kRefused };
  struct Note {
    std::uint64_t candidate;
    std::string text;
  };

  [[nodiscard]] std::size_t class_of(std::uint64_t candidate) const {
    return static_cast<std::size_t>(input_.label(candidate));
  }
  void require_every_class(const std::vector<std::uint64_t>& stored) const;

  const InputSet& input_;
  std::vector<std::uint64_t> candidates_;  // per class
  std::vector<State> states_;
  std::vector<ImportedSample> samples_;
  std::vector<Note> refused_;
  std::vector<Note> converted_;
};

}  // namespace ft
