#include "idx.h"

#include <algorithm>
#include <span>

#include <fmt/format.h>

#include "ft/base/error.h"
#include "ft/base/hash.h"

#include "class_selection.h"
#include "idx_file.h"
#include "utf8_name.h"

namespace ft {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kGzip = ".gz";

bool replace(std::string& text, std::string_view from, std::string_view to) {
  const std::size_t at = text.rfind(from);
  if (at == std::string::npos) return false;
  text.replace(at, from.size(), to);
  return true;
}

std::vector<std::string> class_numbers(std::size_t count) {
  std::vector<std::string> numbers;
  for (std::size_t i = 0; i < count; ++i) numbers.push_back(std::to_string(i));
  return numbers;
}

// Which class each label value stands for, or -1 when it was not chosen.
std::vector<std::int32_t> label_map(std::size_t found, const std::vector<std::size_t>& chosen) {
  std::vector<std::int32_t> map(found, -1);
  for (std::size_t i = 0; i < chosen.size(); ++i) map[chosen[i]] = static_cast<std::int32_t>(i);
  return map;
}

void check_names(const std::vector<std::string>& names, std::size_t needed, const fs::path& labels) {
  if (names.size() < needed) {
    throw UsageError(fmt::format("--class-names gives {} names, but the labels of {} go up to {}",
                                 names.size(), labels.string(), needed - 1));
  }
  std::vector<std::string> sorted = names;
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end()) throw UsageError(fmt::format("--class-names gives '{}' twice", *twice));
  for (const std::string& name : names) {
    if (name.empty() || !is_utf8(name)) throw UsageError("--class-names: a name is empty or not UTF-8");
  }
}

}  // namespace

fs::path find_idx_labels(const fs::path& images) {
  std::string name = images.filename().string();
  if (!replace(name, "images", "labels")) {
    throw DataError(
        fmt::format("{} is a file, but not the images file of an IDX pair by its name", images.string()),
        "SRC is a folder of class folders, or a file such as train-images-idx3-ubyte.gz");
  }
  replace(name, "idx3", "idx1");
  const fs::path same = images.parent_path() / name;
  fs::path other = same;
  if (name.ends_with(kGzip)) {
    other.replace_extension();
  } else {
    other += kGzip;
  }
  for (const fs::path& candidate : {same, other}) {
    std::error_code ignored;
    if (fs::exists(candidate, ignored)) return candidate;
  }
  throw DataError(fmt::format("{} has no labels: neither {} nor {} is beside it", images.string(),
                              same.filename().string(), other.filename().string()));
}

IdxPair::IdxPair(const fs::path& images, const std::vector<std::string>& names,
                 const std::vector<std::string>& wanted)
    : file_name_(to_utf8(images.filename().string())) {
  const fs::path labels_path = find_idx_labels(images);
  IdxFile pictures = read_idx(images, 3);
  const std::vector<std::byte> labels = read_idx(labels_path, 1).values;
  if (labels.size() != pictures.dimensions[0]) {
    throw DataError(fmt::format("{} has {} labels for the {} pictures of {}", labels_path.string(),
                                labels.size(), pictures.dimensions[0], images.string()));
  }
  height_ = pictures.dimensions[1];
  width_ = pictures.dimensions[2];
  pixels_ = std::move(pictures.values);

  const std::size_t values =
      std::to_integer<std::size_t>(*std::max_element(labels.begin(), labels.end())) + 1;
  if (!names.empty()) check_names(names, values, labels_path);
  const std::size_t found = std::max(values, names.size());
  const std::vector<std::string> numbers = class_numbers(found);
  const std::vector<std::string>& found_names = names.empty() ? numbers : names;
  const std::vector<std::size_t> chosen = select_classes(found_names, numbers, wanted);
  for (const std::size_t index : chosen) classes_.push_back(found_names[index]);
  if (classes_.size() < 2) {
    throw DataError(fmt::format("{} holds one class only", labels_path.string()), "a classifier needs two");
  }

  const std::vector<std::int32_t> map = label_map(found, chosen);
  for (std::uint32_t i = 0; i < labels.size(); ++i) {
    const std::int32_t label = map[std::to_integer<std::size_t>(labels[i])];
    if (label >= 0) entries_.push_back({i, label});
  }
  std::stable_sort(entries_.begin(), entries_.end(),
                   [](const Entry& a, const Entry& b) { return a.label < b.label; });
}

std::string IdxPair::source(std::size_t candidate) const {
  return fmt::format("{}[{}]", file_name_, entries_.at(candidate).picture);
}

LoadedImage IdxPair::load(std::size_t candidate, ImportBuffers& buffers) const {
  const std::size_t count = std::size_t{width_} * height_;
  const std::span<const std::byte> grey =
      std::span(pixels_).subspan(entries_.at(candidate).picture * count, count);
  ImportedImage image{.codec = Codec::kRaw,
                      .file = {},
                      .size = {static_cast<int>(width_), static_cast<int>(height_)},
                      .pixels = buffers.take_pixels(),
                      .converted = {},
                      .exif_oriented = false};
  image.pixels.resize(image.size.width, image.size.height);
  const auto rgb = image.pixels.pixels();
  for (std::size_t i = 0; i < count; ++i) {
    std::fill_n(rgb.begin() + static_cast<std::ptrdiff_t>(3 * i), 3, std::to_integer<std::uint8_t>(grey[i]));
  }
  return {std::move(image), xxh3_64(grey)};
}

nlohmann::ordered_json IdxPair::description() const {
  return {{"kind", "IDX pair"}, {"images", file_name_}};
}

std::string IdxPair::identity() const {
  Xxh3Stream stream;
  stream.update(pixels_);
  stream.update(std::as_bytes(std::span(entries_)));
  return fmt::format("{} {}x{} {}", file_name_, width_, height_, stream.hex_digest());
}

}  // namespace ft
