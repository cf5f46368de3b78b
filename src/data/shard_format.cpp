#include "ft/data/shard_format.h"

#include <bit>

#include <fmt/format.h>

#include "ft/base/hash.h"

namespace ft {

static_assert(std::endian::native == std::endian::little, "shards and their hashes are little-endian");

std::string hash_of_tables(const ShardTables& tables) {
  Xxh3Stream hash;
  const auto add = [&hash](const auto& column) { hash.update(std::as_bytes(std::span(column))); };
  add(tables.offset);
  add(tables.label);
  add(tables.width);
  add(tables.height);
  add(tables.codec);
  add(tables.xxh3);
  add(tables.sample_id);
  return hash.hex_digest();
}

std::string shard_file_name(std::uint32_t index, std::uint32_t count) {
  return fmt::format("shard-{:05}-of-{:05}.h5", index, count);
}

const char* codec_name(Codec codec) noexcept {
  switch (codec) {
    case Codec::kJpeg:
      return "jpeg";
    case Codec::kPng:
      return "png";
    case Codec::kRaw:
      return "raw";
  }
  return "unknown";
}

}  // namespace ft
