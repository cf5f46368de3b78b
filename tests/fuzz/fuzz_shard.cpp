// A packed set through two doors. Damage: any change to the bytes of a shard file is refused with a
// DataError, or is where no reader looks and changes nothing. Nonsense: a file that HDF5 finds in order and
// whose hashes match, but whose tables hold anything, is refused or stays inside its bounds.
//
// Input: 'D', then changes of five bytes (where: 3, how: 1, what: 1); or 'N', then the tables' bytes.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "ft/base/error.h"
#include "ft/base/hash.h"
#include "ft/data/packed_set.h"

#include "input_file.h"
#include "shard_writer.h"

namespace ft {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::size_t kRows = 6;
constexpr std::size_t kPixelBytes = 12;  // 2 x 2, raw

ShardRows good_rows(std::span<const std::byte> payload) {
  ShardRows rows;
  rows.tables.offset.push_back(0);
  rows.source_offset.push_back(0);
  for (std::size_t row = 0; row < kRows; ++row) {
    rows.tables.offset.push_back((row + 1) * kPixelBytes);
    rows.tables.label.push_back(static_cast<std::int32_t>(row % 2));
    rows.tables.width.push_back(2);
    rows.tables.height.push_back(2);
    rows.tables.codec.push_back(static_cast<std::uint8_t>(Codec::kRaw));
    rows.tables.xxh3.push_back(xxh3_64(payload.subspan(row * kPixelBytes, kPixelBytes)));
    rows.tables.sample_id.push_back((row * 5 + 3) % kRows);
    rows.source += "class/" + std::to_string(row) + ".png";
    rows.source_offset.push_back(rows.source.size());
    rows.source_xxh3.push_back(row);
  }
  return rows;
}

struct Sample {
  SampleInfo info;
  std::string source;
  std::vector<std::byte> bytes;
};

// All that a reader can get out of a set; nothing where it is refused.
std::optional<std::vector<Sample>> read_all(const std::filesystem::path& directory) {
  try {
    const PackedSet set(directory);
    std::vector<Sample> samples;
    for (std::uint64_t id = 0; id < set.size(); ++id) {
      std::vector<std::byte> buffer;
      const std::span<const std::byte> bytes = set.read(id, buffer);
      samples.push_back({set.info(id), set.source(id), {bytes.begin(), bytes.end()}});
    }
    return samples;
  } catch (const DataError&) {
    return std::nullopt;
  }
}

bool same(const Sample& a, const Sample& b) {
  return a.info.label == b.info.label && a.info.width == b.info.width && a.info.height == b.info.height &&
         a.info.codec == b.info.codec && a.info.sample_id == b.info.sample_id && a.source == b.source &&
         a.bytes == b.bytes;
}

class Fuzzer {
 public:
  Fuzzer() : file_(shard_file_name(0, 1)), payload_(kRows * kPixelBytes) {
    for (std::size_t i = 0; i < payload_.size(); ++i) payload_[i] = static_cast<std::byte>(i * 7);
    write_set(good_rows(payload_));
    const std::vector<std::byte> bytes = read_file(file_.path());
    const auto* const first = reinterpret_cast<const std::uint8_t*>(bytes.data());
    whole_.assign(first, first + bytes.size());
    good_manifest_ = read_text_file(file_.directory() / kManifestName);
    expected_ = read_all(file_.directory());
    if (!expected_) std::abort();
  }

  void damage(Bytes changes) const {
    std::vector<std::uint8_t> bytes = whole_;
    for (; changes.size() >= 5; changes = changes.subspan(5)) {
      const std::size_t at = (changes[0] | changes[1] << 8U | changes[2] << 16U) % whole_.size();
      if (changes[3] == 'c') bytes.resize(std::min(at, bytes.size()));
      if (changes[3] == 'l') bytes.resize(bytes.size() + changes[4]);
      if (changes[3] != 'c' && changes[3] != 'l' && at < bytes.size()) bytes[at] ^= changes[4];
    }
    file_.write(bytes);
    write_manifest(good_manifest_);
    const std::optional<std::vector<Sample>> found = read_all(file_.directory());
    if (found && !std::ranges::equal(*found, *expected_, same)) std::abort();
  }

  void nonsense(Bytes bytes) const {
    ShardRows rows = good_rows(payload_);
    overwrite(rows.tables.offset, bytes);
    rows.tables.offset.back() = payload_.size();  // the writer's own promise; it reserves this much
    overwrite(rows.tables.label, bytes);
    overwrite(rows.tables.width, bytes);
    overwrite(rows.tables.height, bytes);
    overwrite(rows.tables.codec, bytes);
    overwrite(rows.tables.sample_id, bytes);
    overwrite(rows.tables.xxh3, bytes);
    overwrite(rows.source_offset, bytes);
    write_set(rows);
    static_cast<void>(read_all(file_.directory()));
  }

 private:
  template <class T>
  static void overwrite(std::vector<T>& column, Bytes& bytes) {
    const std::size_t count = std::min(bytes.size(), column.size() * sizeof(T));
    if (count != 0) std::memcpy(column.data(), bytes.data(), count);
    bytes = bytes.subspan(count);
  }

  void write_set(const ShardRows& rows) const {
    const std::vector<std::string> classes{"no", "yes"};
    ShardWriter writer(file_.directory(), {.index = 0, .count = 1}, classes, rows);
    writer.append(payload_);
    Manifest manifest;
    manifest.classes = classes;
    manifest.counts = {kRows / 2, kRows / 2};
    manifest.packed_with = nlohmann::ordered_json::object();
    manifest.shards.push_back(writer.finish());
    manifest.fingerprint = compute_fingerprint(manifest);
    write_manifest(to_json_text(manifest));
  }

  void write_manifest(const std::string& text) const {
    const auto path = file_.directory() / kManifestName;
    const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    write_all(fd.get(), std::as_bytes(std::span(text)), path);
  }

  InputFile file_;
  std::vector<std::byte> payload_;
  std::vector<std::uint8_t> whole_;
  std::string good_manifest_;
  std::optional<std::vector<Sample>> expected_;
};

}  // namespace
}  // namespace ft

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const ft::Fuzzer fuzzer;
  if (size == 0) return 0;
  const ft::Bytes rest(data + 1, size - 1);
  if (data[0] == 'D') fuzzer.damage(rest);
  if (data[0] == 'N') fuzzer.nonsense(rest);
  return 0;
}
