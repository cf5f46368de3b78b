// The first half of packing: every candidate is imported, in parallel; what is good goes to the spool, in
// order.
#pragma once

#include <functional>
#include <vector>

#include "input_set.h"
#include "pack_pipeline.h"
#include "payload_spool.h"

namespace ft {

// A stored sample; its place in the list is its sample id.
struct ImportedSample {
  std::size_t candidate;
  std::uint64_t spool_begin;
  std::uint64_t bytes;
  std::uint64_t xxh3;
  std::uint64_t source_xxh3;
  std::uint32_t width, height;
  std::int32_t label;
  Codec codec;
  std::uint32_t restart_intervals;  // their offsets stand behind the payload in the spool, 4 bytes each
};

struct Imported {
  std::vector<ImportedSample> samples;
  std::vector<InputNote> converted;
  std::vector<InputNote> skipped;
  std::uint64_t exif_oriented = 0;
  Transcoded transcoded;
  std::uint64_t resampled = 0;
};

// Throws DataError when a class comes out empty, or at the first failure with OnError::kFail.
[[nodiscard]] Imported import_all(const InputSet& input, const PackOptions& options, PayloadSpool& spool,
                                  const std::function<bool()>& stop_requested);

}  // namespace ft
