#include "verify.h"

#include <fmt/format.h>

#include "ft/base/error.h"
#include "ft/base/hash.h"
#include "ft/data/packed_set.h"
#include "ft/report/progress.h"

namespace ft {
namespace {

namespace fs = std::filesystem;

void verify_files(const fs::path& directory, const Manifest& manifest, VerifyResult& result) {
  Progress progress("verify files", manifest.shards.size(), "shards");
  for (const ShardEntry& shard : manifest.shards) {
    try {
      std::error_code error;
      if (!fs::is_regular_file(directory / shard.file, error)) {
        result.damage.push_back(fmt::format("{}: missing, or not a plain file", shard.file));
      } else if (xxh3_128_of_file(directory / shard.file) != shard.xxh3_128) {
        result.damage.push_back(fmt::format("{}: the file's hash does not match the manifest's", shard.file));
      }
    } catch (const DataError& error) {
      result.damage.emplace_back(error.what());
    }
    result.bytes += shard.bytes;
    progress.update(++result.shards);
  }
  progress.finish();
}

void verify_samples(const fs::path& directory, VerifyResult& result) {
  const PackedSet set(directory);
  std::vector<std::byte> buffer;
  std::vector<std::uint32_t> offsets;
  Progress progress("verify images", set.size(), "images");
  for (std::uint64_t id = 0; id < set.size(); ++id) {
    try {
      static_cast<void>(set.read(id, buffer));
      static_cast<void>(set.read_restart_offsets(id, offsets));
    } catch (const DataError& error) {
      result.damage.emplace_back(error.what());
    }
    progress.update(++result.samples);
  }
  progress.finish();
}

}  // namespace

VerifyResult verify(const fs::path& directory) {
  const Manifest manifest = read_manifest(directory);
  VerifyResult result;
  verify_files(directory, manifest, result);
  try {
    verify_samples(directory, result);
  } catch (const DataError& error) {  // it does not even open
    result.damage.emplace_back(error.what());
  }
  return result;
}

}  // namespace ft
