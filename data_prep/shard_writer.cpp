#include "shard_writer.h"

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "ft/base/error.h"
#include "ft/base/hash.h"
#include "ft/data/hdf5_handle.h"
#include "ft/data/metadata_hash.h"

namespace ft {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kHandedToDisk = std::uint64_t{4} << 20U;
// More than the headers and the gaps between the aligned datasets of any shard take.
constexpr std::uint64_t kHeaderRoom = 256U << 10U;

std::uint64_t bytes_of(const ShardRows& rows) {
  const std::uint64_t per_row = sizeof(std::uint64_t) * 5 + sizeof(std::uint32_t) * 3 + 1;
  return rows.tables.offset.back() + rows.tables.rows() * per_row + rows.source.size() +
         rows.restart_index.size() * sizeof(std::uint64_t) + rows.restart_offsets() * sizeof(std::uint32_t);
}

// A full disk is found here, before HDF5 is in the middle of something. File systems that cannot reserve
// space find it out later.
void reserve_space(const fs::path& path, std::uint64_t bytes) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) throw_errno("open", path.string());
  if (::fallocate(fd.get(), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(bytes)) == 0) return;
  if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG) throw_errno("write", path.string());
}

// A shard being laid out by HDF5.
class ShardFile {
 public:
  ShardFile(const fs::path& path, std::uint64_t payload_bytes) : path_(path) {
    const Hdf5Handle access = own(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
    // Objects as large as the payload, and never fewer than it, begin at a multiple of 4096.
    require(H5Pset_alignment(access.get(), std::min(payload_bytes, kPayloadAlignment), kPayloadAlignment));
    // Version 2 headers, which carry checksums.
    require(H5Pset_libver_bounds(access.get(), H5F_LIBVER_V18, H5F_LIBVER_V18));
    const Hdf5Handle creation = own(H5Pcreate(H5P_FILE_CREATE), H5Pclose);
    require(H5Pset_obj_track_times(creation.get(), false));
    file_ = own(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.get(), access.get()), H5Fclose);
  }

  void attribute(const char* name, hid_t type, const void* value) {
    const Hdf5Handle space = own(H5Screate(H5S_SCALAR), H5Sclose);
    const Hdf5Handle made =
        own(H5Acreate2(file_.get(), name, type, space.get(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
    require(H5Awrite(made.get(), type, value));
  }

  void text_attribute(const char* name, const std::string& text) {
    attribute(name, string_type(text.size()).get(), text.data());
  }

  template <class T>
  void column(const char* name, hid_t type, const std::vector<T>& values) {
    write(create(name, type, values.size()), type, values.data());
  }

  void text(const char* name, const std::string& bytes) {
    write(create(name, H5T_STD_U8LE, bytes.size()), H5T_STD_U8LE, bytes.data());
  }

  // Fixed width, padded with zeros: strings of variable length would live in a heap outside the dataset.
  void strings(const char* name, const std::vector<std::string>& values) {
    std::size_t width = 1;
    for (const std::string& value : values) width = std::max(width, value.size());
    std::string padded;
    for (const std::string& value : values) {
      padded += value;
      padded.append(width - value.size(), '\0');
    }
    const Hdf5Handle type = string_type(width);
    write(create(name, type.get(), values.size()), type.get(), padded.data());
  }

  // Where the bytes of a dataset begin that is filled without HDF5. An empty one lies nowhere.
  [[nodiscard]] std::uint64_t allocate(const char* name, hid_t type, std::uint64_t length) {
    const Hdf5Handle dataset = create(name, type, length);
    return length == 0 ? 0 : H5Dget_offset(dataset.get());
  }

  void close() { require(file_.close_now()); }

 private:
  [[nodiscard]] Hdf5Handle own(hid_t id, Hdf5Handle::Close close_function) const {
    return own_hdf5(id, close_function, "write", path_);
  }
  void require(herr_t status) const {
    if (status < 0) throw_hdf5_error("write", path_);
  }

  [[nodiscard]] Hdf5Handle string_type(std::size_t width) const {
    Hdf5Handle type = own(H5Tcopy(H5T_C_S1), H5Tclose);
    require(H5Tset_size(type.get(), width));
    require(H5Tset_strpad(type.get(), H5T_STR_NULLPAD));
    require(H5Tset_cset(type.get(), H5T_CSET_UTF8));
    return type;
  }

  [[nodiscard]] Hdf5Handle create(const char* name, hid_t type, hsize_t length) const {
    const Hdf5Handle creation = own(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    require(H5Pset_layout(creation.get(), H5D_CONTIGUOUS));
    require(H5Pset_alloc_time(creation.get(), H5D_ALLOC_TIME_EARLY));
    require(H5Pset_fill_time(creation.get(), H5D_FILL_TIME_NEVER));
    require(H5Pset_obj_track_times(creation.get(), false));
    const Hdf5Handle space = own(H5Screate_simple(1, &length, nullptr), H5Sclose);
    return own(H5Dcreate2(file_.get(), name, type, space.get(), H5P_DEFAULT, creation.get(), H5P_DEFAULT),
               H5Dclose);
  }

  void write(const Hdf5Handle& dataset, hid_t type, const void* values) const {
    require(H5Dwrite(dataset.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values));
  }

  fs::path path_;
  Hdf5Handle file_;
};

void write_attributes(ShardFile& file, ShardPlace place) {
  file.text_attribute(shard_attribute::kFormat, kShardFormat);
  file.attribute(shard_attribute::kFormatVersion, H5T_STD_U32LE, &kShardFormatVersion);
  file.attribute(shard_attribute::kShardIndex, H5T_STD_U32LE, &place.index);
  file.attribute(shard_attribute::kShardCount, H5T_STD_U32LE, &place.count);
}

void write_tables(ShardFile& file, const ShardRows& rows, const std::vector<std::string>& classes) {
  file.column(shard_dataset::kOffset, H5T_STD_U64LE, rows.tables.offset);
  file.column(shard_dataset::kLabel, H5T_STD_I32LE, rows.tables.label);
  file.column(shard_dataset::kWidth, H5T_STD_U32LE, rows.tables.width);
  file.column(shard_dataset::kHeight, H5T_STD_U32LE, rows.tables.height);
  file.column(shard_dataset::kCodec, H5T_STD_U8LE, rows.tables.codec);
  file.column(shard_dataset::kXxh3, H5T_STD_U64LE, rows.tables.xxh3);
  file.column(shard_dataset::kSampleId, H5T_STD_U64LE, rows.tables.sample_id);
  file.text(shard_dataset::kSource, rows.source);
  file.column(shard_dataset::kSourceOffset, H5T_STD_U64LE, rows.source_offset);
  file.column(shard_dataset::kSourceXxh3, H5T_STD_U64LE, rows.source_xxh3);
  file.strings(shard_dataset::kClasses, classes);
}

// Where the parts begin that are written without HDF5.
struct Layout {
  std::uint64_t payload = 0;
  std::uint64_t restart_offset = 0;
};

// The file is a new one: what has its name may have another too.
Layout lay_out(const fs::path& path, ShardPlace place, const std::vector<std::string>& classes,
               const ShardRows& rows, bool is_reserved) {
  const Hdf5Session session;
  const std::uint64_t payload_bytes = rows.tables.offset.back();
  fs::remove(path);
  ShardFile file(path, payload_bytes);
  if (!is_reserved) reserve_space(path, bytes_of(rows) + kHeaderRoom);
  write_attributes(file, place);
  write_tables(file, rows, classes);
  Layout layout;
  if (!rows.restart_index.empty()) {
    file.column(shard_dataset::kRestartIndex, H5T_STD_U64LE, rows.restart_index);
    layout.restart_offset =
        file.allocate(shard_dataset::kRestartOffset, H5T_STD_U32LE, rows.restart_offsets());
  }
  layout.payload = file.allocate(shard_dataset::kPayload, H5T_STD_U8LE, payload_bytes);
  file.close();
  return layout;
}

// Its length goes first, so that no two lists of columns read the same.
template <class Column>
void add_column(Xxh3Stream& hash, const Column& column) {
  const std::uint64_t length = column.size();
  hash.update(std::as_bytes(std::span(&length, 1)));
  hash.update(std::as_bytes(std::span(column)));
}

// What HDF5 has written is read back.
std::vector<std::byte> read_part(const fs::path& path, std::uint64_t begin, std::uint64_t end) {
  std::vector<std::byte> bytes(end - begin);
  pread_exact(open_for_reading(path).get(), bytes, begin, path);
  return bytes;
}

void copy_part(const fs::path& path, std::uint64_t begin, std::uint64_t end, int to) {
  pwrite_all(to, read_part(path, begin, end), begin, path);
}

}  // namespace

std::uint64_t lay_out_shard(const fs::path& path, ShardPlace place, const std::vector<std::string>& classes,
                            const ShardRows& rows) {
  return lay_out(path, place, classes, rows, false).payload;
}

std::string hash_of_shard_source(ShardPlace place, const std::vector<std::string>& classes,
                                 const ShardRows& rows) {
  Xxh3Stream hash;
  add_column(hash, fmt::format("{} {} {}/{} HDF5 {}.{}.{}", kShardFormat, kShardFormatVersion, place.index,
                               place.count, H5_VERS_MAJOR, H5_VERS_MINOR, H5_VERS_RELEASE));
  for (const std::string& name : classes) add_column(hash, name);
  add_column(hash, hash_of_tables(rows.tables));
  add_column(hash, rows.source);
  add_column(hash, rows.source_offset);
  add_column(hash, rows.source_xxh3);
  add_column(hash, rows.restart_index);
  return hash.hex_digest();
}

ColumnWriter::ColumnWriter(const fs::path& path, std::uint64_t begin, std::uint64_t bytes)
    : path_(path),
      fd_(::open(path.c_str(), O_WRONLY | O_CLOEXEC)),
      at_(begin),
      handed_(begin),
      missing_(bytes) {
  if (!fd_) throw_errno("open", path_.string());
}

void ColumnWriter::append(std::span<const std::byte> bytes) {
  if (bytes.size() > missing_) throw std::logic_error("more bytes than the tables say");
  pwrite_all(fd_.get(), bytes, at_, path_);
  at_ += bytes.size();
  missing_ -= bytes.size();
  // The disk may begin now: all of it is waited for in the end. Only a hint, and so is its failure.
  const std::uint64_t full = at_ / kHandedToDisk * kHandedToDisk;
  if (full <= handed_) return;
  ::sync_file_range(fd_.get(), static_cast<off_t>(handed_), static_cast<off_t>(full - handed_),
                    SYNC_FILE_RANGE_WRITE);
  handed_ = full;
}

void ColumnWriter::close() {
  if (missing_ != 0) throw std::logic_error("fewer bytes than the tables say");
  fd_.close(path_);
}

ShardWriter::ShardWriter(const fs::path& directory, ShardPlace place, const std::vector<std::string>& classes,
                         const ShardRows& rows, const std::optional<EarlyPayload>& early)
    : path_(directory / shard_file_name(place.index, place.count)) {
  entry_.file = path_.filename().string();
  entry_.samples = rows.tables.rows();
  entry_.tables_xxh3_128 = hash_of_tables(rows.tables);
  const Layout layout = lay_out(path_, place, classes, rows, early.has_value());
  if (layout.payload % kPayloadAlignment != 0) {
    throw std::logic_error(fmt::format("{}: the payload begins at {}", path_.string(), layout.payload));
  }
  entry_.payload = {.begin = layout.payload, .bytes = rows.tables.offset.back()};
  if (early && early->begin == layout.payload && take(*early)) return;
  if (early) reserve_space(path_, bytes_of(rows) + kHeaderRoom);
  payload_.emplace(path_, layout.payload, rows.tables.offset.back());
  restart_offset_.emplace(path_, layout.restart_offset, rows.restart_offsets() * sizeof(std::uint32_t));
  if (rows.restart_offsets() != 0) return;  // they come with the payload and may lie before it
  hash_.emplace();
  hash_->update(read_part(path_, 0, layout.payload));
}

// Every byte but the payload's is copied to where that lies. False where there are no links.
bool ShardWriter::take(const EarlyPayload& early) {
  const fs::path link = path_.string() + ".link";
  fs::remove(link);
  if (::link(early.file.c_str(), link.c_str()) != 0) return false;
  const std::uint64_t bytes = fs::file_size(path_);
  UniqueFd fd(::open(link.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) throw_errno("open", link.string());
  copy_part(path_, 0, entry_.payload.begin, fd.get());
  copy_part(path_, entry_.payload.begin + entry_.payload.bytes, bytes, fd.get());
  if (::ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0) throw_errno("write", link.string());
  // The disk may begin while the file is hashed.
  ::sync_file_range(fd.get(), 0, 0, SYNC_FILE_RANGE_WRITE);
  fd.close(link);
  fs::remove(path_);  // ext4 would wait for the disk when a file is renamed over another
  fs::rename(link, path_);
  return true;
}

void ShardWriter::append(std::span<const std::byte> bytes) {
  payload_->append(bytes);
  if (hash_) hash_->update(bytes);
}

ShardEntry ShardWriter::finish() {
  if (payload_) payload_->close();
  if (restart_offset_) restart_offset_->close();
  entry_.bytes = fs::file_size(path_);
  if (hash_) {
    hash_->update(read_part(path_, entry_.payload.begin + entry_.payload.bytes, entry_.bytes));
    entry_.xxh3_128 = hash_->hex_digest();
  } else {
    entry_.xxh3_128 = xxh3_128_of_file(path_);
  }
  entry_.metadata_xxh3_128 = hash_of_metadata(path_, entry_.payload);
  return entry_;
}

}  // namespace ft
