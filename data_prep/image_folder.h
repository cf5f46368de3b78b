// SRC/<class>/**: the layout that torchvision's ImageFolder reads, in its order.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "input_set.h"

namespace ft {

// Every file below a class folder is a candidate: what it is, its content says. Classes ascend bytewise, then
// the paths inside a class do. Links are followed.
class ImageFolder final : public InputSet {
 public:
  // Scans now. `wanted`: only these classes, when not empty. Throws DataError (missing, unreadable, no or one
  // class, a class without files) or UsageError (unknown class).
  ImageFolder(std::filesystem::path root, const std::vector<std::string>& wanted);
  // What another rank's scan has found: its listing().
  struct Listing {
    explicit Listing(std::string_view all) : text(all) {}
    std::string_view text;
  };
  ImageFolder(std::filesystem::path root, Listing listing);

  [[nodiscard]] const std::vector<std::string>& classes() const noexcept override { return classes_; }
  [[nodiscard]] std::size_t size() const noexcept override { return files_.size(); }
  [[nodiscard]] std::int32_t label(std::size_t candidate) const override {
    return files_.at(candidate).label;
  }
  [[nodiscard]] std::string source(std::size_t candidate) const override;
  [[nodiscard]] LoadedImage load(std::size_t candidate, ImportBuffers& buffers) const override;
  [[nodiscard]] nlohmann::ordered_json description() const override;
  [[nodiscard]] std::optional<std::uint64_t> likely_payload_bytes(std::size_t candidate) const override;
  [[nodiscard]] std::uint64_t stamp(std::size_t candidate) const override;
  [[nodiscard]] std::string identity() const override;
  [[nodiscard]] std::string listing() const override;

 private:
  struct File {
    std::string path;  // relative to root_, class included
    std::int32_t label;
  };

  void scan_class(const std::string& name, std::int32_t label);

  std::filesystem::path root_;
  std::vector<std::string> classes_;
  std::vector<File> files_;
};

}  // namespace ft
