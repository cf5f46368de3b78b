#include "ft/base/hash.h"

#include <array>
#include <new>

#include <fmt/format.h>
#include <openssl/evp.h>
#ifdef FT_XXHASH_DISPATCH
#include <xxh_x86dispatch.h>  // the same hashes, with the widest vectors that the machine has
#else
#include <xxhash.h>
#endif

#include "ft/base/error.h"
#include "ft/base/file.h"

namespace ft {

std::uint64_t xxh3_64(std::span<const std::byte> data) noexcept {
  return XXH3_64bits(data.data(), data.size());
}

struct Xxh3Stream::State {
  struct Free {
    void operator()(XXH3_state_t* state) const noexcept { XXH3_freeState(state); }
  };
  std::unique_ptr<XXH3_state_t, Free> xxh3{XXH3_createState()};
};

Xxh3Stream::Xxh3Stream() : state_(std::make_unique<State>()) {
  if (!state_->xxh3) throw std::bad_alloc();
  XXH3_128bits_reset(state_->xxh3.get());
}
Xxh3Stream::Xxh3Stream(Xxh3Stream&&) noexcept = default;
Xxh3Stream& Xxh3Stream::operator=(Xxh3Stream&&) noexcept = default;
Xxh3Stream::~Xxh3Stream() = default;

void Xxh3Stream::update(std::span<const std::byte> data) {
  XXH3_128bits_update(state_->xxh3.get(), data.data(), data.size());
}

std::string Xxh3Stream::hex_digest() const {
  const XXH128_hash_t hash = XXH3_128bits_digest(state_->xxh3.get());
  return to_hex(hash.high64) + to_hex(hash.low64);
}

std::string xxh3_128_of_file(const std::filesystem::path& path) {
  constexpr std::size_t kPiece = std::size_t{512} << 10;
  const UniqueFd fd = open_for_reading(path);
  std::error_code error;
  const std::uint64_t size = std::filesystem::file_size(path, error);
  if (error) throw DataError(fmt::format("cannot read {}: {}", path.string(), error.message()));
  std::vector<std::byte> buffer(std::min<std::uint64_t>(size, kPiece));
  Xxh3Stream stream;
  for (std::uint64_t at = 0; at < size;) {
    const auto piece = std::span(buffer).first(std::min<std::uint64_t>(buffer.size(), size - at));
    pread_exact(fd.get(), piece, at, path);
    stream.update(piece);
    at += piece.size();
  }
  return stream.hex_digest();
}

std::string xxh3_128_of(std::string_view text) {
  Xxh3Stream stream;
  stream.update(std::as_bytes(std::span(text)));
  return stream.hex_digest();
}

struct Sha256::State {
  struct Free {
    void operator()(EVP_MD_CTX* owned) const noexcept { EVP_MD_CTX_free(owned); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context{EVP_MD_CTX_new()};
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  if (!state_->context || EVP_DigestInit_ex(state_->context.get(), EVP_sha256(), nullptr) != 1) {
    throw Error(ExitCode::kBug, "libcrypto cannot make a SHA-256 context");
  }
}
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::update(std::span<const std::byte> data) {
  EVP_DigestUpdate(state_->context.get(), data.data(), data.size());
}

std::string Sha256::hex_digest() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  EVP_DigestFinal_ex(state_->context.get(), digest.data(), &length);
  std::string text;
  for (const unsigned char byte : std::span(digest).first(length)) text += fmt::format("{:02x}", byte);
  return text;
}

std::string to_hex(std::uint64_t value) {
  return fmt::format("{:016x}", value);
}

}  // namespace ft
