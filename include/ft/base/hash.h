// The hashes that formats and records name: XXH3 for integrity, SHA-256 for `log.weights_sha256`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace ft {

// XXH3-64, seed 0.
[[nodiscard]] std::uint64_t xxh3_64(std::span<const std::byte> data) noexcept;

// XXH3-128 (seed 0) of a stream, as 32 lower-case hex digits, high half first (as `xxhsum -H128` prints it).
class Xxh3Stream {
 public:
  Xxh3Stream();
  Xxh3Stream(Xxh3Stream&&) noexcept;
  Xxh3Stream& operator=(Xxh3Stream&&) noexcept;
  ~Xxh3Stream();

  void update(std::span<const std::byte> data);
  [[nodiscard]] std::string hex_digest() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

[[nodiscard]] std::string xxh3_128_of_file(const std::filesystem::path& path);
[[nodiscard]] std::string xxh3_128_of(std::string_view text);

// SHA-256 of a stream, as 64 lower-case hex digits.
class Sha256 {
 public:
  Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  ~Sha256();

  void update(std::span<const std::byte> data);
  // Ends the stream; call once.
  [[nodiscard]] std::string hex_digest();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// 16 lower-case hex digits, zero-padded.
[[nodiscard]] std::string to_hex(std::uint64_t value);

}  // namespace ft
