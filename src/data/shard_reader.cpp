#include "shard_reader.h"

#include <algorithm>
#include <string>
#include <system_error>

#include <fmt/format.h>

#include "ft/base/error.h"
#include "ft/data/hdf5_handle.h"
#include "ft/data/image.h"
#include "ft/data/metadata_hash.h"

namespace ft {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& path, std::string_view what,
                       const std::string& hint = "restore the file, or pack the data again") {
  throw DataError(fmt::format("{}: {}", path.string(), what), hint);
}

// An open shard; every member names the file in what it throws.
class ShardFile {
 public:
  explicit ShardFile(const fs::path& path)
      : path_(path),
        file_(own_hdf5(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose, "open as HDF5", path)) {}

  [[nodiscard]] std::string text_attribute(const char* name) const {
    const Hdf5Handle attribute = open_attribute(name);
    const Hdf5Handle type = own_hdf5(H5Aget_type(attribute.get()), H5Tclose, "read", path_);
    if (H5Tget_class(type.get()) != H5T_STRING || H5Tis_variable_str(type.get()) != 0) {
      fail(path_, fmt::format("attribute {} is not a string of fixed length", name));
    }
    std::string text(H5Tget_size(type.get()), '\0');
    if (H5Aread(attribute.get(), type.get(), text.data()) < 0) throw_hdf5_error("read", path_);
    return text.substr(0, text.find('\0'));
  }

  [[nodiscard]] std::uint32_t number_attribute(const char* name) const {
    const Hdf5Handle attribute = open_attribute(name);
    std::uint32_t value = 0;
    if (H5Aread(attribute.get(), H5T_NATIVE_UINT32, &value) < 0) throw_hdf5_error("read", path_);
    return value;
  }

  // A whole one-dimensional dataset of integers, which must have exactly T's width and sign.
  template <class T>
  [[nodiscard]] std::vector<T> column(const char* name, hid_t native) const {
    const Hdf5Handle dataset = open_dataset(name);
    require_integers(dataset, name, native);
    std::vector<T> values(length_of(dataset, name));
    if (H5Dread(dataset.get(), native, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0) {
      throw_hdf5_error(fmt::format("read dataset {} of", name), path_);
    }
    return values;
  }

  // Where a dataset that is not read through HDF5 lies.
  [[nodiscard]] FileRange range(const char* name, hid_t native, std::uint64_t file_bytes) const {
    const Hdf5Handle dataset = open_dataset(name);
    require_integers(dataset, name, native);
    const std::uint64_t length = length_of(dataset, name);
    if (length == 0) return {};  // which lies nowhere
    const haddr_t begin = H5Dget_offset(dataset.get());
    if (begin == HADDR_UNDEF) fail(path_, fmt::format("dataset {} is not contiguous", name));
    const std::uint64_t width = H5Tget_size(native);
    if (begin > file_bytes || length > (file_bytes - begin) / width) {
      fail(path_, fmt::format("dataset {} ends outside the file", name));
    }
    return {begin, length * width};
  }

  [[nodiscard]] std::optional<FileRange> optional_range(const char* name, hid_t native,
                                                        std::uint64_t file_bytes) const {
    const htri_t exists = H5Lexists(file_.get(), name, H5P_DEFAULT);
    if (exists < 0) throw_hdf5_error(fmt::format("look for dataset {} in", name), path_);
    if (exists == 0) return std::nullopt;
    return range(name, native, file_bytes);
  }

  [[nodiscard]] std::vector<std::string> strings(const char* name) const {
    const Hdf5Handle dataset = open_dataset(name);
    const Hdf5Handle type = own_hdf5(H5Dget_type(dataset.get()), H5Tclose, "read", path_);
    if (H5Tget_class(type.get()) != H5T_STRING || H5Tis_variable_str(type.get()) != 0) {
      fail(path_, fmt::format("dataset {} does not hold strings of fixed length", name));
    }
    const std::size_t width = H5Tget_size(type.get());
    const std::size_t count = length_of(dataset, name);
    std::string text(width * count, '\0');
    if (H5Dread(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, text.data()) < 0) {
      throw_hdf5_error(fmt::format("read dataset {} of", name), path_);
    }
    std::vector<std::string> out;
    out.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      const std::string padded = text.substr(i * width, width);
      out.push_back(padded.substr(0, padded.find('\0')));
    }
    return out;
  }

 private:
  [[nodiscard]] Hdf5Handle open_attribute(const char* name) const {
    Hdf5Handle attribute = own_hdf5(H5Aopen(file_.get(), name, H5P_DEFAULT), H5Aclose,
                                    fmt::format("find attribute {} in", name), path_);
    const Hdf5Handle space = own_hdf5(H5Aget_space(attribute.get()), H5Sclose, "read", path_);
    if (H5Sget_simple_extent_npoints(space.get()) != 1) {
      fail(path_, fmt::format("attribute {} is not one value", name));
    }
    return attribute;
  }

  [[nodiscard]] Hdf5Handle open_dataset(const char* name) const {
    Hdf5Handle dataset = own_hdf5(H5Dopen2(file_.get(), name, H5P_DEFAULT), H5Dclose,
                                  fmt::format("find dataset {} in", name), path_);
    H5L_info_t link{};
    if (H5Lget_info(file_.get(), name, &link, H5P_DEFAULT) < 0) throw_hdf5_error("read", path_);
    const Hdf5Handle creation = own_hdf5(H5Dget_create_plist(dataset.get()), H5Pclose, "read", path_);
    if (link.type != H5L_TYPE_HARD || H5Pget_layout(creation.get()) != H5D_CONTIGUOUS ||
        H5Pget_external_count(creation.get()) != 0) {
      fail(path_, fmt::format("dataset {} is not contiguous in this file", name));
    }
    return dataset;
  }

  [[nodiscard]] std::size_t length_of(const Hdf5Handle& dataset, const char* name) const {
    const Hdf5Handle space = own_hdf5(H5Dget_space(dataset.get()), H5Sclose, "read", path_);
    hsize_t length = 0;
    if (H5Sget_simple_extent_ndims(space.get()) != 1 ||
        H5Sget_simple_extent_dims(space.get(), &length, nullptr) != 1) {
      fail(path_, fmt::format("dataset {} is not one-dimensional", name));
    }
    // A row number is checked against the manifest later; this keeps a damaged extent from asking for all
    // memory.
    if (H5Dget_storage_size(dataset.get()) / std::max<std::size_t>(1, width_of(dataset)) != length) {
      fail(path_, fmt::format("dataset {} is not stored whole", name));
    }
    return length;
  }

  [[nodiscard]] std::size_t width_of(const Hdf5Handle& dataset) const {
    const Hdf5Handle type = own_hdf5(H5Dget_type(dataset.get()), H5Tclose, "read", path_);
    return H5Tget_size(type.get());
  }

  void require_integers(const Hdf5Handle& dataset, const char* name, hid_t native) const {
    const Hdf5Handle type = own_hdf5(H5Dget_type(dataset.get()), H5Tclose, "read", path_);
    if (H5Tequal(type.get(), native) <= 0) fail(path_, fmt::format("dataset {} has another type", name));
  }

  fs::path path_;
  Hdf5Handle file_;
};

std::uint64_t checked_size(const fs::path& path, const ShardEntry& entry) {
  std::error_code error;
  const std::uint64_t bytes = fs::file_size(path, error);
  if (error) fail(path, fmt::format("cannot be read: {}", error.message()));
  if (bytes < entry.bytes) fail(path, fmt::format("cut short: {} bytes of {}", bytes, entry.bytes));
  if (bytes != entry.bytes) {
    fail(path,
         fmt::format("{} bytes, but the manifest says {}: a shard of another set?", bytes, entry.bytes));
  }
  return bytes;
}

// HDF5 was not made to survive damaged files, so nothing that it would parse reaches it unchecked.
void check_metadata(const fs::path& path, const ShardEntry& entry) {
  if (entry.metadata_xxh3_128.empty()) return;
  if (hash_of_metadata(path, entry.payload) != entry.metadata_xxh3_128) {
    fail(path, "its tables are not those that the manifest recorded: damaged, or a shard of another set");
  }
}

void check_payload_place(const FileRange& payload, const ShardEntry& entry, const fs::path& path) {
  if (entry.metadata_xxh3_128.empty()) return;
  if (payload.begin != entry.payload.begin || payload.bytes != entry.payload.bytes) {
    fail(path, "its payload is not where the manifest says: a shard of another set?");
  }
}

void check_identity(const ShardFile& file, const fs::path& path, const Manifest& manifest,
                    std::uint32_t index) {
  const std::string format = file.text_attribute(shard_attribute::kFormat);
  if (format != kShardFormat) fail(path, fmt::format("format '{}', expected '{}'", format, kShardFormat));
  const std::uint32_t version = file.number_attribute(shard_attribute::kFormatVersion);
  if (version != kShardFormatVersion) {
    fail(path,
         fmt::format("format version {}, but this program reads version {}", version, kShardFormatVersion),
         "pack the data again with this version's ft_pack");
  }
  const std::uint32_t own_index = file.number_attribute(shard_attribute::kShardIndex);
  const std::uint32_t own_count = file.number_attribute(shard_attribute::kShardCount);
  if (own_index != index || own_count != manifest.shards.size()) {
    fail(path, fmt::format("says it is shard {} of {}, expected {} of {}: a shard of another set?", own_index,
                           own_count, index, manifest.shards.size()));
  }
  if (file.strings(shard_dataset::kClasses) != manifest.classes) {
    fail(path, "its class list differs from the manifest's: a shard of another set?");
  }
}

ShardTables read_tables(const ShardFile& file) {
  ShardTables tables;
  tables.offset = file.column<std::uint64_t>(shard_dataset::kOffset, H5T_NATIVE_UINT64);
  tables.label = file.column<std::int32_t>(shard_dataset::kLabel, H5T_NATIVE_INT32);
  tables.width = file.column<std::uint32_t>(shard_dataset::kWidth, H5T_NATIVE_UINT32);
  tables.height = file.column<std::uint32_t>(shard_dataset::kHeight, H5T_NATIVE_UINT32);
  tables.codec = file.column<std::uint8_t>(shard_dataset::kCodec, H5T_NATIVE_UINT8);
  tables.xxh3 = file.column<std::uint64_t>(shard_dataset::kXxh3, H5T_NATIVE_UINT64);
  tables.sample_id = file.column<std::uint64_t>(shard_dataset::kSampleId, H5T_NATIVE_UINT64);
  return tables;
}

void check_lengths(const ShardContents& shard, const ShardEntry& entry, const fs::path& path) {
  const ShardTables& tables = shard.tables;
  const std::uint64_t rows = entry.samples;
  const auto require = [&](std::uint64_t length, std::uint64_t expected, const char* name) {
    if (length != expected) {
      fail(path, fmt::format("dataset {} has {} entries, expected {} for {} samples", name, length, expected,
                             rows));
    }
  };
  require(tables.label.size(), rows, shard_dataset::kLabel);
  require(tables.offset.size(), rows + 1, shard_dataset::kOffset);
  require(tables.width.size(), rows, shard_dataset::kWidth);
  require(tables.height.size(), rows, shard_dataset::kHeight);
  require(tables.codec.size(), rows, shard_dataset::kCodec);
  require(tables.xxh3.size(), rows, shard_dataset::kXxh3);
  require(tables.sample_id.size(), rows, shard_dataset::kSampleId);
  require(shard.source_offset.bytes / sizeof(std::uint64_t), rows + 1, shard_dataset::kSourceOffset);
  if (shard.restart_index) {
    require(shard.restart_index->bytes / sizeof(std::uint64_t), rows + 1, shard_dataset::kRestartIndex);
  }
}

// The manifest says whether the set has a restart index; its shards must agree.
void check_restart_index(const ShardContents& shard, const Manifest& manifest, const fs::path& path) {
  const bool expected = manifest.transcoded.has_value();
  if (shard.restart_index.has_value() == expected && shard.restart_offset.has_value() == expected) return;
  fail(path,
       fmt::format("datasets {} and {} must {}be there: a shard of another set?",
                   shard_dataset::kRestartIndex, shard_dataset::kRestartOffset, expected ? "both " : "not "));
}

// The hash in the manifest finds accidents; these find a writer that is wrong, and keep readers inside the
// payload.
void check_values(const ShardContents& shard, const Manifest& manifest, const fs::path& path) {
  const ShardTables& tables = shard.tables;
  if (tables.offset.front() != 0 || tables.offset.back() != shard.payload.bytes ||
      !std::is_sorted(tables.offset.begin(), tables.offset.end())) {
    fail(path, "the offsets do not ascend from 0 to the payload's end");
  }
  for (std::size_t row = 0; row < tables.rows(); ++row) {
    const std::int32_t label = tables.label[row];
    if (label < 0 || static_cast<std::size_t>(label) >= manifest.classes.size()) {
      fail(path, fmt::format("row {}: label {} in a set of {} classes", row, label, manifest.classes.size()));
    }
    if (tables.codec[row] < 1 || tables.codec[row] > 3) {
      fail(path, fmt::format("row {}: unknown codec {}", row, tables.codec[row]));
    }
    const auto width = std::int64_t{tables.width[row]};
    const auto height = std::int64_t{tables.height[row]};
    if (width == 0 || height == 0 || width > kMaxSide || height > kMaxSide || width * height > kMaxPixels) {
      fail(path, fmt::format("row {}: a picture of {} x {} pixels", row, width, height));
    }
  }
}

}  // namespace

ShardContents read_shard(const fs::path& path, const Manifest& manifest, std::uint32_t index) {
  const ShardEntry& entry = manifest.shards.at(index);
  const std::uint64_t file_bytes = checked_size(path, entry);
  check_metadata(path, entry);

  const Hdf5Session session;
  const ShardFile file(path);
  check_identity(file, path, manifest, index);
  ShardContents shard{
      .tables = read_tables(file),
      .payload = file.range(shard_dataset::kPayload, H5T_NATIVE_UINT8, file_bytes),
      .source = file.range(shard_dataset::kSource, H5T_NATIVE_UINT8, file_bytes),
      .source_offset = file.range(shard_dataset::kSourceOffset, H5T_NATIVE_UINT64, file_bytes),
      .restart_index = file.optional_range(shard_dataset::kRestartIndex, H5T_NATIVE_UINT64, file_bytes),
      .restart_offset = file.optional_range(shard_dataset::kRestartOffset, H5T_NATIVE_UINT32, file_bytes)};
  check_restart_index(shard, manifest, path);
  check_payload_place(shard.payload, entry, path);
  check_lengths(shard, entry, path);
  check_values(shard, manifest, path);
  if (hash_of_tables(shard.tables) != entry.tables_xxh3_128) {
    fail(path, "its tables are not those that the manifest recorded: damaged, or a shard of another set");
  }
  return shard;
}

}  // namespace ft
