#include "ft/data/hdf5_handle.h"

#include <cstdlib>
#include <string>

#include <fmt/format.h>

#include "ft/base/error.h"

namespace ft {
namespace {

std::mutex& hdf5_mutex() {
  static std::mutex mutex;
  return mutex;
}

// The deepest entry says what happened; those above it say who was told.
herr_t keep_innermost(unsigned /*depth*/, const H5E_error2_t* entry, void* reason) {
  if (entry->desc != nullptr) *static_cast<std::string*>(reason) = entry->desc;
  return 0;
}

// HDF5 writes "file write failed: time = ..., errno = 28, error message = '...', buf = ...".
std::string shorten(const std::string& reason) {
  constexpr std::string_view kKey = "error message = '";
  const std::size_t begin = reason.find(kKey);
  if (begin == std::string::npos) return reason;
  const std::size_t text = begin + kKey.size();
  return reason.substr(text, reason.find('\'', text) - text);
}

// Before HDF5's first call.
bool prepare_library() {
  // Every identifier here closes itself. What HDF5 would still close at exit is a file that it failed to
  // write, and that crashes it (1.10.8).
  H5dont_atexit();
  return ::setenv("HDF5_USE_FILE_LOCKING", "FALSE", 1) == 0;
}

}  // namespace

Hdf5Session::Hdf5Session() : lock_(hdf5_mutex()) {
  static const bool prepared = prepare_library();
  static_cast<void>(prepared);
  // Per thread, hence each time.
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

Hdf5Handle::~Hdf5Handle() {
  if (id_ >= 0) static_cast<void>(close_(id_));
}

herr_t Hdf5Handle::close_now() noexcept {
  return id_ >= 0 ? close_(std::exchange(id_, H5I_INVALID_HID)) : 0;
}

void throw_hdf5_error(std::string_view action, const std::filesystem::path& path) {
  std::string reason = "unknown HDF5 error";
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, keep_innermost, &reason);
  throw DataError(fmt::format("cannot {} {}: {}", action, path.string(), shorten(reason)));
}

Hdf5Handle own_hdf5(hid_t id, Hdf5Handle::Close close, std::string_view action,
                    const std::filesystem::path& path) {
  if (id < 0) throw_hdf5_error(action, path);
  return {id, close};
}

}  // namespace ft
