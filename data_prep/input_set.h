// What is to be packed: candidates grouped by class, in the order that gives samples their ids.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "importers/import_image.h"

namespace ft {

struct LoadedImage {
  ImportedImage image;
  std::uint64_t source_xxh3;  // of the input as found
  std::uint64_t stamp = 0;    // InputSet::stamp when it was read
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
  // Throws ImportError, which costs this candidate, and DataError where the machine fails. Thread-safe.
  [[nodiscard]] virtual LoadedImage load(std::size_t candidate, ImportBuffers& buffers) const = 0;
  // How large its payload will be if it is what it looks like and stored as found, without reading it;
  // nothing where that cannot be said. Thread-safe.
  [[nodiscard]] virtual std::optional<std::uint64_t> likely_payload_bytes(std::size_t /*candidate*/) const {
    return std::nullopt;
  }
  // Changes when the candidate's content may have: of a file, from its size, times and inode. Thread-safe.
  [[nodiscard]] virtual std::uint64_t stamp(std::size_t /*candidate*/) const { return 0; }
  // Which candidates these are, where they lie and in which order, hashed; of an input read whole, its
  // content too.
  [[nodiscard]] virtual std::string identity() const { return {}; }
  // What makes the same set on another rank without looking at the disk again; empty: nothing does.
  [[nodiscard]] virtual std::string listing() const { return {}; }
  // What the manifest records of where the candidates come from; the same wherever the input lies.
  [[nodiscard]] virtual nlohmann::ordered_json description() const = 0;
};

}  // namespace ft
