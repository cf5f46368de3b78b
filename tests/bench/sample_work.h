// What the loader does with a sample once it has its bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ft/data/codec.h"
#include "ft/data/packed_set.h"
#include "ft/data/transform.h"

namespace ft::bench {

// The buffers of one thread.
class SampleWork {
 public:
  explicit SampleWork(const PackedSet& set);

  // The hash. DataError when it is not the set's: a way of reading that gives other bytes is not measured.
  void check(std::uint64_t sample_id, std::span<const std::byte> bytes) const;
  // Decodes, crops, resizes and writes, as for training. The pixels are thrown away.
  void prepare(std::uint64_t sample_id, std::span<const std::byte> bytes);

 private:
  const PackedSet* set_;
  TransformOptions options_;
  PixelWriter writer_;
  Decoder decoder_;
  Resizer resizer_;
  std::vector<std::uint8_t> rows_;
  std::vector<std::byte> image_;
};

}  // namespace ft::bench
