#include "ft/model/formats/tensor_file.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "ft/base/error.h"
#include "ft/base/file.h"
#include "ft/model/formats/safetensors.h"
#include "ft/model/formats/torch_pickle.h"

#include "byte_reader.h"
#include "element_types.h"

namespace ft {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kZipMagic = "PK\x03\x04"sv;
constexpr char kPickleProtocolOpcode = '\x80';
constexpr std::size_t kHeadSize = 512;

struct Signature {
  std::size_t offset;
  std::string_view bytes;
  const char* meaning;
};

// What is found in place of weights, most often after a download that went wrong.
constexpr std::array kForeignFiles = {
    Signature{0, "version https://git-lfs"sv, "a Git LFS pointer; fetch the file itself with 'git lfs pull'"},
    Signature{0, "\x89HDF\r\n\x1a\n"sv, "an HDF5 file"},
    Signature{0, "\x1f\x8b"sv, "a gzip file; unpack it first"},
    Signature{257, "ustar"sv, "a tar archive"},
    Signature{0, "GGUF"sv, "a GGUF file"},
    Signature{0, "\x93NUMPY"sv, "a NumPy array"},
};

bool looks_like_html(std::string_view head) {
  const std::size_t start = head.find_first_not_of(" \t\r\n\xef\xbb\xbf");
  return start != std::string_view::npos && head[start] == '<';
}

bool looks_like_safetensors(std::string_view head) {
  return head.size() > 8 && head[8] == '{';
}

[[noreturn]] void refuse(const std::filesystem::path& path, std::string_view head) {
  std::string meaning = "of an unknown kind";
  if (head.empty()) meaning = "empty";
  if (looks_like_html(head)) meaning = "an HTML or XML page: a download that failed?";
  for (const Signature& signature : kForeignFiles) {
    if (head.size() >= signature.offset && head.substr(signature.offset).starts_with(signature.bytes)) {
      meaning = signature.meaning;
    }
  }
  throw DataError(fmt::format("{}: not a weights file: it is {}", path.string(), meaning),
                  "a torch state_dict (.pth) or a .safetensors file is wanted");
}

}  // namespace

std::size_t element_size(ElementType type) noexcept {
  return describe(type).size;
}

const char* element_name(ElementType type) noexcept {
  return describe(type).name;
}

std::int64_t TensorRecord::element_count() const noexcept {
  std::int64_t count = 1;
  for (const std::int64_t extent : shape) count *= extent;
  return count;
}

bool TensorRecord::contiguous() const noexcept {
  if (std::ranges::find(shape, 0) != shape.end()) return true;
  std::int64_t expected = 1;
  for (std::size_t i = shape.size(); i-- > 0;) {
    if (shape[i] != 1 && strides[i] != expected) return false;
    expected *= shape[i];
  }
  return true;
}

const TensorRecord* TensorFile::find(const std::string& name) const noexcept {
  const auto found = std::ranges::find(tensors, name, &TensorRecord::name);
  return found == tensors.end() ? nullptr : &*found;
}

TensorFile read_tensor_file(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    throw DataError(fmt::format("{}: a directory, not a weights file", path.string()));
  }
  std::array<std::byte, kHeadSize> buffer{};
  const UniqueFd file = open_for_reading(path);
  std::error_code size_error;
  const std::uintmax_t file_size = std::filesystem::file_size(path, size_error);
  const auto head_size = size_error ? 0 : std::min<std::uintmax_t>(file_size, kHeadSize);
  const std::span<std::byte> head_bytes = std::span(buffer).first(static_cast<std::size_t>(head_size));
  pread_exact(file.get(), head_bytes, 0, path);

  const std::string_view head = as_text(head_bytes);
  if (head.starts_with(kZipMagic) || head.starts_with(kPickleProtocolOpcode)) return read_torch_file(path);
  if (looks_like_safetensors(head)) return read_safetensors(path);
  refuse(path, head);
}

}  // namespace ft
