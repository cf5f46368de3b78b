// The little of HDF5's C interface that needs taming: identifiers that close themselves, failures as
// DataError with the library's own innermost reason, no printing, no file locks.
#pragma once

#include <filesystem>
#include <mutex>
#include <string_view>
#include <utility>

#include <hdf5.h>

namespace ft {

// Hold one around any use of HDF5. The library keeps global state behind one lock of its own; this one is
// held for a whole file, so that an error's reason is ours. It also turns file locking off before HDF5's
// first call (network file systems refuse locks; nothing here writes to a file that another process reads)
// and silences the library's own printing.
class Hdf5Session {
 public:
  Hdf5Session();

 private:
  std::unique_lock<std::mutex> lock_;
};

// Owns one HDF5 identifier.
class Hdf5Handle {
 public:
  using Close = herr_t (*)(hid_t);

  Hdf5Handle() = default;
  Hdf5Handle(hid_t id, Close close) noexcept : id_(id), close_(close) {}
  Hdf5Handle(Hdf5Handle&& other) noexcept
      : id_(std::exchange(other.id_, H5I_INVALID_HID)), close_(other.close_) {}
  Hdf5Handle& operator=(Hdf5Handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  Hdf5Handle(const Hdf5Handle&) = delete;
  Hdf5Handle& operator=(const Hdf5Handle&) = delete;
  ~Hdf5Handle();

  [[nodiscard]] hid_t get() const noexcept { return id_; }
  // Closes now; negative when HDF5 could not write what was left to write.
  [[nodiscard]] herr_t close_now() noexcept;

 private:
  hid_t id_ = H5I_INVALID_HID;
  Close close_ = nullptr;
};

// DataError "cannot <action> <path>: <reason>", the reason from HDF5's error stack.
[[noreturn]] void throw_hdf5_error(std::string_view action, const std::filesystem::path& path);

// Wraps a new identifier, or throws as above.
[[nodiscard]] Hdf5Handle own_hdf5(hid_t id, Hdf5Handle::Close close, std::string_view action,
                                  const std::filesystem::path& path);

}  // namespace ft
