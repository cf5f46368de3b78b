// What is to be packed: candidates grouped by class, in the order that gives samples their ids.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "importers/import_image.h"

namespace ft {

struct LoadedImage {
  ImportedImage image;
  std::uint64_t source_xxh3;  // of the input as found
};

class InputSet {
 public:
  InputSet() = default;
  InputSet(const InputSet&) = delete;
  InputSet& operator=(const InputSet&) = delete;
  virtual ~InputSet() = default;

  // Labels are indices into this.
  [[nodiscard]] virtual const std::vector<std::string>& classes() const noexcept = 0;
  // Candidates are 0 .. size()-1, by ascending label.
  [[nodiscard]] virtual std::size_t size() const noexcept = 0;
  [[nodiscard]] virtual std::int32_t label(std::size_t candidate) const = 0;
  // Valid UTF-8, unique: what the shards and the manifest call it.
  [[nodiscard]] virtual std::string source(std::size_t candidate) const = 0;
  // Throws ImportError. Thread-safe.
  [[nodiscard]] virtual LoadedImage load(std::size_t candidate) const = 0;
  // What the manifest records of where the candidates come from; the same wherever the input lies.
  [[nodiscard]] virtual nlohmann::ordered_json description() const = 0;
};

}  // namespace ft
