#include "pack_summary.h"

#include "packed_looks.h"

namespace ft {
namespace {

LooksOfSet looks_of(const std::vector<ImportedSample>& samples, const SpoolReader& spools) {
  LooksOfSet looks;
  for (const ImportedSample& sample : samples) {
    looks.add(sample.source_xxh3, sample.pixels_xxh3, sample.look_hash, sample.telling);
  }
  looks.thumbnail = [&samples, &spools](std::uint64_t id) {
    const ImportedSample& sample = samples[id];
    Thumbnail thumbnail;
    spools.read(sample.rest_spool, sample.rest_begin + sample.offset_bytes(),
                std::as_writable_bytes(std::span(thumbnail.pixels)));
    return thumbnail;
  };
  return looks;
}

PictureNames names_of(const InputSet& input, const std::vector<ImportedSample>& samples) {
  return {.path = [&](std::uint64_t id) { return input.source(samples[id].candidate); },
          .label =
              [&](std::uint64_t id) { return input.classes()[static_cast<std::size_t>(samples[id].label)]; }};
}

void find_duplicates(const InputSet& input, const PackOptions& options, const Imported& imported,
                     const SpoolReader& spools, const std::function<bool()>& stop_requested,
                     PackResult& result) {
  const LooksOfSet looks = looks_of(imported.samples, spools);
  const PictureNames names = names_of(input, imported.samples);
  result.duplicates = name_repeats(find_repeats(looks, options.workers, stop_requested), names, names);
  result.manifest.duplicates = to_json(result.duplicates);
  if (options.against.empty()) return;
  // What another set holds is said, but is no part of this one, nor of its fingerprint.
  const PackedSet other(options.against);
  const LooksOfSet other_looks = ft::looks_of(other, options.workers, stop_requested);
  result.overlap = name_repeats(find_repeats(looks, other_looks, options.workers, stop_requested), names,
                                ft::names_of(other));
}

}  // namespace

nlohmann::ordered_json options_that_decide(const InputSet& input, const PackOptions& options) {
  nlohmann::ordered_json json{{"input", input.description()}};
  if (options.shards != 0) {
    json["shards"] = options.shards;
  } else {
    json["shard_mib"] = options.shard_mib;
  }
  json["limit_per_class"] = options.limit_per_class;
  if (options.encoding.restart_index) json["restart_index"] = true;
  if (options.encoding.encoding == Encoding::kRaw) {
    json["encoding"] = "raw";
    if (options.encoding.max_side != 0) json["max_side"] = options.encoding.max_side;
  }
  return json;
}

PackResult summarize(const InputSet& input, const PackOptions& options, Imported imported,
                     std::vector<ShardEntry> shards, const SpoolReader& spools,
                     const std::function<bool()>& stop_requested) {
  PackResult result;
  Manifest& manifest = result.manifest;
  manifest.classes = input.classes();
  manifest.counts.resize(input.classes().size());
  result.class_bytes.resize(input.classes().size());
  for (const ImportedSample& sample : imported.samples) {
    ++manifest.counts[static_cast<std::size_t>(sample.label)];
    result.class_bytes[static_cast<std::size_t>(sample.label)] += sample.bytes;
  }
  if (options.encoding.encoding == Encoding::kOriginal) {
    result.stored_as_found =
        imported.samples.size() - imported.converted.size() - imported.transcoded.samples;
  }
  find_duplicates(input, options, imported, spools, stop_requested, result);
  manifest.packed_with = options_that_decide(input, options);
  manifest.shards = std::move(shards);
  manifest.converted = std::move(imported.converted);
  manifest.skipped = std::move(imported.skipped);
  manifest.exif_oriented = imported.exif_oriented;
  if (options.encoding.restart_index) manifest.transcoded = imported.transcoded;
  if (options.encoding.encoding == Encoding::kRaw) manifest.resampled = imported.resampled;
  manifest.fingerprint = compute_fingerprint(manifest);
  return result;
}

}  // namespace ft
