// Writes a packed set of one shard by plain HDF5 calls, for tests of what reads sets: independent of ft_pack.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "ft/base/atomic_write.h"
#include "ft/base/hash.h"
#include "ft/data/hdf5_handle.h"
#include "ft/data/image.h"
#include "ft/data/manifest.h"
#include "ft/data/shard_format.h"

namespace ft {

class TinyPackedSet {
 public:
  void add(Codec codec, int width, int height, std::int32_t label, std::span<const std::byte> payload) {
    const std::string name = fmt::format("class/{}.bin", tables_.rows());
    payload_.insert(payload_.end(), payload.begin(), payload.end());
    source_ += name;
    tables_.sample_id.push_back(tables_.rows());
    tables_.label.push_back(label);
    tables_.width.push_back(static_cast<std::uint32_t>(width));
    tables_.height.push_back(static_cast<std::uint32_t>(height));
    tables_.codec.push_back(static_cast<std::uint8_t>(codec));
    tables_.xxh3.push_back(xxh3_64(payload));
    tables_.offset.push_back(payload_.size());
    source_offset_.push_back(source_.size());
  }

  void add_raw(const RgbImage& image, std::int32_t label) {
    add(Codec::kRaw, image.width(), image.height(), label, std::as_bytes(image.pixels()));
  }

  // Two classes, labels 0 and 1.
  void write(const std::filesystem::path& directory) const {
    const std::string file = shard_file_name(0, 1);
    write_shard(directory / file);
    Manifest manifest;
    manifest.classes = {"no", "yes"};
    manifest.counts = {0, 0};
    for (const std::int32_t label : tables_.label) ++manifest.counts.at(static_cast<std::size_t>(label));
    manifest.packed_with = nlohmann::ordered_json::object();
    ShardEntry entry;
    entry.file = file;
    entry.bytes = std::filesystem::file_size(directory / file);
    entry.samples = tables_.rows();
    entry.xxh3_128 = xxh3_128_of_file(directory / file);
    entry.tables_xxh3_128 = hash_of_tables(tables_);
    manifest.shards.push_back(entry);
    manifest.fingerprint = compute_fingerprint(manifest);
    write_file_atomically(directory / kManifestName, to_json_text(manifest));
  }

 private:
  void write_shard(const std::filesystem::path& path) const {
    const Hdf5Session session;
    const Hdf5Handle file =
        own_hdf5(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), H5Fclose, "create", path);
    const auto put = [&](const char* name, hid_t type, const auto& values) {
      put_dataset(path, file, name, type, values.data(), values.size());
    };
    const std::vector<std::uint64_t> source_hashes(tables_.rows());
    put(shard_dataset::kPayload, H5T_NATIVE_UINT8, payload_);
    put(shard_dataset::kOffset, H5T_NATIVE_UINT64, tables_.offset);
    put(shard_dataset::kLabel, H5T_NATIVE_INT32, tables_.label);
    put(shard_dataset::kWidth, H5T_NATIVE_UINT32, tables_.width);
    put(shard_dataset::kHeight, H5T_NATIVE_UINT32, tables_.height);
    put(shard_dataset::kCodec, H5T_NATIVE_UINT8, tables_.codec);
    put(shard_dataset::kXxh3, H5T_NATIVE_UINT64, tables_.xxh3);
    put(shard_dataset::kSampleId, H5T_NATIVE_UINT64, tables_.sample_id);
    put(shard_dataset::kSource, H5T_NATIVE_UINT8, source_);
    put(shard_dataset::kSourceOffset, H5T_NATIVE_UINT64, source_offset_);
    put(shard_dataset::kSourceXxh3, H5T_NATIVE_UINT64, source_hashes);

    constexpr std::string_view kClasses("no\0yes", 6);
    const Hdf5Handle class_name = string_type(path, 3);
    put_dataset(path, file, shard_dataset::kClasses, class_name.get(), kClasses.data(), 2);

    const std::string format = kShardFormat;
    const std::uint32_t zero = 0;
    const std::uint32_t one = 1;
    put_attribute(path, file, shard_attribute::kFormat, string_type(path, format.size()).get(),
                  format.data());
    put_attribute(path, file, shard_attribute::kFormatVersion, H5T_NATIVE_UINT32, &one);
    put_attribute(path, file, shard_attribute::kShardIndex, H5T_NATIVE_UINT32, &zero);
    put_attribute(path, file, shard_attribute::kShardCount, H5T_NATIVE_UINT32, &one);
  }

  static Hdf5Handle string_type(const std::filesystem::path& path, std::size_t bytes) {
    Hdf5Handle type = own_hdf5(H5Tcopy(H5T_C_S1), H5Tclose, "write", path);
    H5Tset_size(type.get(), bytes);
    H5Tset_strpad(type.get(), H5T_STR_NULLPAD);
    return type;
  }

  static void put_dataset(const std::filesystem::path& path, const Hdf5Handle& file, const char* name,
                          hid_t type, const void* values, hsize_t count) {
    const Hdf5Handle space = own_hdf5(H5Screate_simple(1, &count, nullptr), H5Sclose, "write", path);
    const Hdf5Handle dataset =
        own_hdf5(H5Dcreate2(file.get(), name, type, space.get(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
                 H5Dclose, "write", path);
    if (H5Dwrite(dataset.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0) {
      throw_hdf5_error("write", path);
    }
  }

  static void put_attribute(const std::filesystem::path& path, const Hdf5Handle& file, const char* name,
                            hid_t type, const void* value) {
    const Hdf5Handle space = own_hdf5(H5Screate(H5S_SCALAR), H5Sclose, "write", path);
    const Hdf5Handle attribute = own_hdf5(
        H5Acreate2(file.get(), name, type, space.get(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose, "write", path);
    if (H5Awrite(attribute.get(), type, value) < 0) throw_hdf5_error("write", path);
  }

  ShardTables tables_{
      .offset = {0}, .label = {}, .width = {}, .height = {}, .codec = {}, .xxh3 = {}, .sample_id = {}};
  std::vector<std::byte> payload_;
  std::string source_;
  std::vector<std::uint64_t> source_offset_{0};
};

}  // namespace ft
