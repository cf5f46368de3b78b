// A pair of IDX files, as MNIST and Fashion-MNIST come: grey pictures of one size, and their labels.
#pragma once

#include <filesystem>

#include "input_set.h"

namespace ft {

// "train-labels-idx1-ubyte.gz" for "train-images-idx3-ubyte.gz". Throws DataError when the name does not say
// "images", or when no such file lies beside it (with or without .gz).
[[nodiscard]] std::filesystem::path find_idx_labels(const std::filesystem::path& images);

// The whole set is held in memory, one byte a pixel. Pictures are stored as raw RGB.
class IdxPair final : public InputSet {
 public:
  // Reads now, gzip or plain. Classes are "0", "1", ... in number order, or `names`; `wanted` chooses some of
  // them by name or number. Throws DataError naming the file, or UsageError.
  IdxPair(const std::filesystem::path& images, const std::vector<std::string>& names,
          const std::vector<std::string>& wanted);

  [[nodiscard]] const std::vector<std::string>& classes() const noexcept override { return classes_; }
  [[nodiscard]] std::size_t size() const noexcept override { return entries_.size(); }
  [[nodiscard]] std::int32_t label(std::size_t candidate) const override {
    return entries_.at(candidate).label;
  }
  [[nodiscard]] std::string source(std::size_t candidate) const override;
  [[nodiscard]] LoadedImage load(std::size_t candidate, ImportBuffers& buffers) const override;
  [[nodiscard]] nlohmann::ordered_json description() const override;
  [[nodiscard]] std::string identity() const override;

 private:
  struct Entry {
    std::uint32_t picture;  // its place in the file
    std::int32_t label;
  };

  std::string file_name_;
  std::vector<std::string> classes_;
  std::vector<Entry> entries_;
  std::vector<std::byte> pixels_;
  std::uint32_t width_ = 0;
  std::uint32_t height_ = 0;
};

}  // namespace ft
