// Small packed sets without pictures: payloads that no decoder looks at.
#pragma once

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ft/base/error.h"
#include "ft/base/file.h"
#include "ft/base/hash.h"
#include "ft/data/metadata_hash.h"

#include "pack_pipeline.h"
#include "temporary_directory.h"

namespace ft::testing {

struct FakeItem {
  std::int32_t label;
  std::string source;
  std::string payload;
  std::string failure;    // not empty: load() throws it
  std::string converted;  // as ImportedImage has it
};

class FakeInput : public InputSet {
 public:
  FakeInput(std::vector<std::string> classes, std::vector<FakeItem> items)
      : classes_(std::move(classes)), items_(std::move(items)) {}

  [[nodiscard]] const std::vector<std::string>& classes() const noexcept override { return classes_; }
  [[nodiscard]] std::size_t size() const noexcept override { return items_.size(); }
  [[nodiscard]] std::int32_t label(std::size_t candidate) const override { return items_[candidate].label; }
  [[nodiscard]] std::string source(std::size_t candidate) const override { return items_[candidate].source; }
  [[nodiscard]] LoadedImage load(std::size_t candidate, ImportBuffers& /*buffers*/) const override {
    loads_.fetch_add(1);
    const FakeItem& item = items_[candidate];
    if (!item.failure.empty()) throw ImportError(item.failure);
    const auto bytes = std::as_bytes(std::span(item.payload));
    ImportedImage image{.codec = Codec::kJpeg,
                        .file = {bytes.begin(), bytes.end()},
                        .size = {10 + static_cast<int>(candidate), 20},
                        .pixels = RgbImage(10 + static_cast<int>(candidate), 20),
                        .converted = item.converted,
                        .exif_oriented = false};
    return {std::move(image), xxh3_64(bytes)};
  }
  [[nodiscard]] nlohmann::ordered_json description() const override { return {{"kind", "fake"}}; }
  [[nodiscard]] std::size_t loads() const noexcept { return loads_.load(); }

 private:
  std::vector<std::string> classes_;
  std::vector<FakeItem> items_;
  mutable std::atomic<std::size_t> loads_{0};
};

// One picture, with buffers that nothing has used before.
inline LoadedImage load(const InputSet& input, std::size_t candidate) {
  ImportBuffers buffers;
  return input.load(candidate, buffers);
}

// `per_class` items each of the classes "cat" and "dog", of different sizes around `bytes`.
inline std::vector<FakeItem> fake_items(int per_class, std::size_t bytes = 100) {
  std::vector<FakeItem> items;
  for (int label = 0; label < 2; ++label) {
    for (int i = 0; i < per_class; ++i) {
      const std::string source = (label == 0 ? "cat/" : "dog/") + std::to_string(1000 + i) + ".jpg";
      std::string payload;
      while (payload.size() < bytes + static_cast<std::size_t>(i) * 3) payload += source + ";";
      items.push_back({label, source, payload, {}, {}});
    }
  }
  return items;
}

inline PackResult pack_fake(const std::filesystem::path& out, std::vector<FakeItem> items,
                            const PackOptions& options = {}) {
  const FakeInput input({"cat", "dog"}, std::move(items));
  return pack(input, out, options, [] { return false; });
}

inline void write_text(const std::filesystem::path& path, std::string_view text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

// Makes the manifest's size and hash of the first shard's metadata right after a change, as a packer with a
// mistake would have left them.
inline void record_anew(const std::filesystem::path& set) {
  Manifest manifest = read_manifest(set);
  ShardEntry& entry = manifest.shards[0];
  entry.bytes = std::filesystem::file_size(set / entry.file);
  entry.metadata_xxh3_128 = hash_of_metadata(set / entry.file, entry.payload);
  manifest.fingerprint = compute_fingerprint(manifest);
  write_text(set / kManifestName, to_json_text(manifest));
}

// The error's whole message, "" when nothing was thrown.
template <class ErrorType, class Call>
std::string message_of(Call call) {
  try {
    call();
  } catch (const ErrorType& error) {
    return error.what();
  }
  return {};
}

}  // namespace ft::testing
