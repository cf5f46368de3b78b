#include "set_sheet.h"

#include <algorithm>

#include <fmt/format.h>

#include "ft/base/error.h"
#include "ft/data/augment.h"
#include "ft/data/codec.h"
#include "ft/data/transform.h"
#include "ft/report/progress.h"

#include "contact_sheet.h"
#include "pack_report.h"
#include "sheet_samples.h"

namespace ft {
namespace {

constexpr std::size_t kAugmentedRows = 8;
constexpr std::size_t kFingerprintDigits = 16;
constexpr int kCellOfLongTitles = 80;

// Reads samples one after the other, in buffers that stay.
class SampleReader {
 public:
  explicit SampleReader(const PackedSet& set) : set_(set) {}

  // Valid until the next call.
  const RgbImage& read(std::uint64_t id) {
    const SampleInfo info = set_.info(id);
    const auto payload = set_.read(id, payload_);
    try {
      decode_rgb(info.codec, payload, static_cast<int>(info.width), static_cast<int>(info.height), image_);
    } catch (const DataError& error) {
      throw DataError(fmt::format("{}: {}", set_.describe(id), error.what()), error.hint());
    }
    return image_;
  }

 private:
  const PackedSet& set_;
  std::vector<std::byte> payload_;
  RgbImage image_;
};

// "hotdog-train", also for "packed/hotdog-train/" and ".".
std::string set_name(const PackedSet& set) {
  const auto path = std::filesystem::absolute(set.directory()).lexically_normal();
  return path.has_filename() ? path.filename().string() : path.parent_path().filename().string();
}

// "hotdog-train: 498 images in 2 classes; fingerprint 0123456789abcdef"
std::string caption(const PackedSet& set) {
  return fmt::format("{}: {} in {}; fingerprint {}", set_name(set), count_of(set.size(), "image"),
                     count_of(set.classes().size(), "class", "es"),
                     set.fingerprint().substr(0, kFingerprintDigits));
}

std::vector<std::string> caption_lines(const PackedSet& set, const SheetSamples& samples) {
  std::vector<std::string> lines{caption(set)};
  if (samples.classes_left_out > 0) {
    lines.push_back(fmt::format("the first {} of {}; --classes shows others",
                                count_of(samples.classes.size(), "class", "es"),
                                samples.classes.size() + samples.classes_left_out));
  }
  return lines;
}

// "hot_dog: the first 8 of 249"
std::string row_label(const PackedSet& set, const ClassSamples& samples) {
  const std::uint64_t count = set.manifest().counts[samples.label];
  const std::string& name = set.classes()[samples.label];
  if (count == 0) return name + ": none";
  if (samples.ids.size() == count) return fmt::format("{}: all {}", name, count);
  return fmt::format("{}: the {} {} of {}", name, samples.from_end ? "last" : "first", samples.ids.size(),
                     count);
}

// "sample 3, hot_dog: hot_dog/1017226.jpg"
std::string sample_label(const PackedSet& set, std::uint64_t id) {
  const auto label = static_cast<std::size_t>(set.info(id).label);
  return fmt::format("sample {}, {}: {}", id, set.classes()[label], set.source(id));
}

}  // namespace

RgbImage draw_set_sheet(const PackedSet& set, const SheetOptions& options) {
  const SheetSamples samples =
      choose_sheet_samples(set, options.classes, static_cast<std::size_t>(options.per_class));
  SheetText text{.caption = caption_lines(set, samples), .columns = {}, .rows = {}};
  std::size_t total = 0;
  std::size_t widest = 1;
  for (const ClassSamples& of_class : samples.classes) {
    text.rows.push_back(row_label(set, of_class));
    total += of_class.ids.size();
    widest = std::max(widest, of_class.ids.size());
  }
  ContactSheet sheet(text, static_cast<int>(widest), options.cell);
  SampleReader reader(set);
  Progress progress("drawing", total, "images");
  std::uint64_t done = 0;
  for (int row = 0; row < static_cast<int>(samples.classes.size()); ++row) {
    int column = 0;
    for (const std::uint64_t id : samples.classes[static_cast<std::size_t>(row)].ids) {
      sheet.place(row, column++, reader.read(id));
      progress.update(++done);
    }
  }
  return sheet.image();
}

RgbImage draw_augmented_sheet(const PackedSet& set, const AugmentedSheetOptions& options) {
  const std::size_t shown = std::clamp<std::size_t>(
      options.classes.empty() ? set.classes().size() : options.classes.size(), 1, kMostSheetClasses);
  const std::size_t per_class = options.per_class > 0 ? static_cast<std::size_t>(options.per_class)
                                                      : std::max<std::size_t>(1, kAugmentedRows / shown);
  const SheetSamples samples = choose_sheet_samples(set, options.classes, per_class);
  const int cell = options.cell > 0 ? options.cell : options.image_size;
  SheetText text{.caption = caption_lines(set, samples), .columns = {"stored"}, .rows = {}};
  text.caption.push_back(
      fmt::format("as training sees it, epoch by epoch: {} px, seed {}", options.image_size, options.seed));
  for (int epoch = 1; epoch <= options.epochs; ++epoch) {
    text.columns.push_back(cell < kCellOfLongTitles ? std::to_string(epoch) : fmt::format("epoch {}", epoch));
  }
  std::vector<std::uint64_t> ids;
  for (const ClassSamples& of_class : samples.classes) {
    for (const std::uint64_t id : of_class.ids) {
      ids.push_back(id);
      text.rows.push_back(sample_label(set, id));
    }
  }
  ContactSheet sheet(text, options.epochs + 1, cell);
  SampleReader reader(set);
  Resizer resizer;
  RgbImage seen;
  Progress progress("drawing", ids.size(), "images");
  for (int row = 0; row < static_cast<int>(ids.size()); ++row) {
    const std::uint64_t id = ids[static_cast<std::size_t>(row)];
    const RgbImage& stored = reader.read(id);
    sheet.place(row, 0, stored);
    for (int epoch = 0; epoch < options.epochs; ++epoch) {
      const AugmentDraw draw = draw_augmentation(options.seed, static_cast<std::uint32_t>(epoch), id,
                                                 stored.width(), stored.height());
      train_pixels(stored, draw, options.image_size, resizer, seen);
      sheet.place(row, epoch + 1, seen);
    }
    progress.update(static_cast<std::uint64_t>(row) + 1);
  }
  return sheet.image();
}

}  // namespace ft
