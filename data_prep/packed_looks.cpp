#include "packed_looks.h"

#include <fmt/format.h>

#include "ft/base/error.h"
#include "ft/base/hash.h"
#include "ft/report/progress.h"

#include "ordered_parallel.h"
#include "pack_pipeline.h"

namespace ft {
namespace {

struct SampleLook {
  std::uint64_t file_xxh3;
  PictureLook look;
};

SampleLook look_at_sample(const PackedSet& set, std::uint64_t id) {
  std::vector<std::byte> buffer;
  const std::span<const std::byte> payload = set.read(id, buffer);
  const SampleInfo info = set.info(id);
  RgbImage image;
  try {
    decode_rgb(info.codec, payload, static_cast<int>(info.width), static_cast<int>(info.height), image);
  } catch (const DataError& error) {
    throw DataError(fmt::format("{}: {}: {}", set.directory().string(), set.describe(id), error.what()));
  }
  // Only a JPEG is stored as found, and then its payload's hash is its file's. A transcoded one still has its
  // pixels.
  return {info.codec == Codec::kJpeg ? info.xxh3 : 0, look_at(image)};
}

}  // namespace

LooksOfSet looks_of(const PackedSet& set, int workers, const std::function<bool()>& stop_requested) {
  LooksOfSet looks;
  OrderedParallel<SampleLook> samples(set.size(), workers,
                                      [&set](std::size_t id) { return look_at_sample(set, id); });
  Progress progress("look at " + set.directory().string(), set.size(), "images");
  for (std::uint64_t id = 0; id < set.size(); ++id) {
    if (stop_requested()) throw Interrupted();
    const SampleLook sample = samples.next();
    looks.add(sample.file_xxh3, sample.look.pixels_xxh3, sample.look.hash, sample.look.telling);
    progress.update(id + 1);
  }
  // Few pictures are asked for again: decoding them is less than keeping 768 bytes of each.
  looks.thumbnail = [&set](std::uint64_t id) { return look_at_sample(set, id).look.thumbnail; };
  return looks;
}

PictureNames names_of(const PackedSet& set) {
  return {
      .path = [&set](std::uint64_t id) { return set.source(id); },
      .label =
          [&set](std::uint64_t id) { return set.classes()[static_cast<std::size_t>(set.info(id).label)]; }};
}

}  // namespace ft
