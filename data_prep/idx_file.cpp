#include "idx_file.h"

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <span>

#include <fmt/format.h>
#include <zlib.h>

#include "ft/base/error.h"
#include "ft/base/file.h"

namespace ft {
namespace {

constexpr std::uint8_t kUnsignedByte = 0x08;

// zlib's reader, which takes plain files as they are.
class GzipReader {
 public:
  explicit GzipReader(const std::filesystem::path& path) : path_(path) {
    static_cast<void>(open_for_reading(path));  // for its error: gzopen has no words
    file_.reset(gzopen(path.c_str(), "rb"));
    if (!file_) throw_errno("open", path.string());
  }

  // Fewer bytes only at the end.
  [[nodiscard]] std::size_t read(std::span<std::byte> out) {
    std::size_t done = 0;
    while (done < out.size()) {
      const auto ask =
          static_cast<unsigned>(std::min<std::size_t>(out.size() - done, std::numeric_limits<int>::max()));
      const int got = gzread(file_.get(), out.data() + done, ask);
      if (got < 0) fail();
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

 private:
  struct Close {
    void operator()(gzFile_s* file) const noexcept { gzclose(file); }
  };

  [[noreturn]] void fail() {
    int code = 0;
    const char* reason = gzerror(file_.get(), &code);
    throw DataError(fmt::format("{} is damaged: {}", path_.string(), reason));
  }

  std::filesystem::path path_;
  std::unique_ptr<gzFile_s, Close> file_;
};

std::uint32_t big_endian(std::span<const std::byte> bytes) {
  std::uint32_t value = 0;
  for (const std::byte byte : bytes.first(4)) value = value << 8U | std::to_integer<std::uint32_t>(byte);
  return value;
}

std::vector<std::uint32_t> read_header(GzipReader& reader, const std::filesystem::path& path,
                                       std::size_t dimensions) {
  std::array<std::byte, 4> magic{};
  const std::uint32_t expected = kUnsignedByte << 8U | static_cast<std::uint32_t>(dimensions);
  if (reader.read(magic) != magic.size() || big_endian(magic) != expected) {
    throw DataError(fmt::format("{} is not an IDX file of bytes in {} dimension{}", path.string(), dimensions,
                                dimensions == 1 ? "" : "s"),
                    "SRC is a folder of class folders, or the images file of an IDX pair");
  }
  std::vector<std::byte> sizes(dimensions * 4);
  if (reader.read(sizes) != sizes.size())
    throw DataError(fmt::format("{} ends in its header", path.string()));
  std::vector<std::uint32_t> out;
  for (std::size_t i = 0; i < dimensions; ++i) out.push_back(big_endian(std::span(sizes).subspan(i * 4)));
  return out;
}

// The product of the dimensions; 0 when it is no sensible size.
std::uint64_t values_in(const std::vector<std::uint32_t>& dimensions) {
  std::uint64_t product = 1;
  for (const std::uint64_t size : dimensions) {
    if (size == 0 || product > (std::uint64_t{1} << 48U) / size) return 0;
    product *= size;
  }
  return product;
}

}  // namespace

IdxFile read_idx(const std::filesystem::path& path, std::size_t dimensions) {
  GzipReader reader(path);
  IdxFile file{read_header(reader, path, dimensions), {}};
  const std::uint64_t size = values_in(file.dimensions);
  if (size == 0) throw DataError(fmt::format("{}: its header has impossible dimensions", path.string()));
  // Grown as bytes arrive: a damaged header must not ask for all memory.
  constexpr std::uint64_t kStep = std::uint64_t{16} << 20U;
  while (file.values.size() < size) {
    const std::size_t before = file.values.size();
    file.values.resize(std::min(size, before + kStep));
    const std::size_t got = reader.read(std::span(file.values).subspan(before));
    if (before + got < file.values.size()) {
      throw DataError(fmt::format("{} is cut short: {} bytes of {}", path.string(), before + got, size));
    }
  }
  std::array<std::byte, 1> more{};
  if (reader.read(more) != 0) {
    throw DataError(
        fmt::format("{} holds more than the {} bytes that its header promises", path.string(), size));
  }
  return file;
}

}  // namespace ft
