#include "payload_places.h"

#include <algorithm>

#include "ft/data/hdf5_handle.h"

namespace ft::app {
namespace {

Hdf5Handle open_dataset(const Hdf5Handle& file, const char* name, const std::filesystem::path& path) {
  return own_hdf5(H5Dopen2(file.get(), name, H5P_DEFAULT), H5Dclose, "open a dataset of", path);
}

}  // namespace

PayloadPlaces::PayloadPlaces(const PackedSet& set) : set_(set) {
  for (const ShardEntry& entry : set.manifest().shards)
    shards_.push_back(open_shard(set.directory() / entry.file));
}

PayloadPlaces::Shard PayloadPlaces::open_shard(const std::filesystem::path& path) {
  const Hdf5Session session;
  const Hdf5Handle file =
      own_hdf5(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose, "open as HDF5", path);
  const Hdf5Handle payload = open_dataset(file, shard_dataset::kPayload, path);
  const haddr_t begin = H5Dget_offset(payload.get());
  if (begin == HADDR_UNDEF) throw_hdf5_error("find the payload of", path);
  const Hdf5Handle offset = open_dataset(file, shard_dataset::kOffset, path);
  const Hdf5Handle space = own_hdf5(H5Dget_space(offset.get()), H5Sclose, "read", path);
  std::vector<std::uint64_t> offsets(
      static_cast<std::size_t>(std::max<hssize_t>(H5Sget_simple_extent_npoints(space.get()), 0)));
  if (H5Dread(offset.get(), H5T_NATIVE_UINT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, offsets.data()) < 0) {
    throw_hdf5_error("read the offsets of", path);
  }
  return {path, open_for_reading(path), begin, std::move(offsets)};
}

PayloadPlace PayloadPlaces::of(std::uint64_t sample_id) const {
  const SampleInfo info = set_.info(sample_id);
  const Shard& shard = shards_.at(info.shard);
  const std::uint64_t begin = shard.offset.at(info.row);
  return {shard.fd.get(), info.shard, shard.payload_begin + begin, shard.offset.at(info.row + 1) - begin};
}

void PayloadPlaces::read(const PayloadPlace& place, std::vector<std::byte>& buffer) const {
  pread_exact(place.fd, std::span(buffer).first(place.bytes), place.offset, shards_[place.shard].path);
}

}  // namespace ft::app
