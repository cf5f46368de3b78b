#include "ft/model/formats/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "ft/base/atomic_write.h"
#include "ft/base/error.h"
#include "ft/base/file.h"

#include "byte_reader.h"
#include "element_types.h"
#include "extent.h"

namespace ft {
namespace {

using Json = nlohmann::json;

constexpr const char* kMetadataKey = "__metadata__";
constexpr std::uint64_t kLongestHeader = 100'000'000;  // the reference implementation's limit
constexpr std::uint64_t kLengthBytes = sizeof(std::uint64_t);
constexpr int kDeepestNesting = 4;
constexpr std::size_t kAlignment = 8;

// Where a tensor says that its bytes lie, after the header.
struct Claim {
  TensorRecord record;
  std::uint64_t begin;
  std::uint64_t end;
};

Json parse_header(ByteReader& reader) {
  const auto length = reader.take_little_endian<std::uint64_t>();
  if (length > kLongestHeader)
    reader.fail(fmt::format("a safetensors header of {} bytes is too long", length));
  const std::string_view text = reader.take_text(length);
  const auto refuse_deep_nesting = [&](int depth, Json::parse_event_t, Json&) {
    if (depth > kDeepestNesting) reader.fail("the safetensors header is nested too deeply");
    return true;
  };
  try {
    Json header = Json::parse(text, refuse_deep_nesting);
    if (!header.is_object()) reader.fail("the safetensors header is not a JSON object");
    return header;
  } catch (const Json::parse_error& error) {
    reader.fail(fmt::format("the safetensors header is not JSON: it breaks at its byte {}", error.byte));
  }
}

std::map<std::string, std::string> parse_metadata(const Json& metadata, const ByteReader& reader) {
  std::map<std::string, std::string> result;
  if (!metadata.is_object()) reader.fail("__metadata__ of the safetensors header is not an object");
  for (const auto& [key, value] : metadata.items()) {
    if (!value.is_string())
      reader.fail(fmt::format("metadata '{}' of the safetensors header is not a string", key));
    result.emplace(key, value.get<std::string>());
  }
  return result;
}

ElementType parse_type(const std::string& name, const std::string& tensor, const ByteReader& reader) {
  const auto* found = std::ranges::find(
      kElementTypes, name, [](const ElementTypeInfo& info) { return std::string_view(info.name); });
  if (found == kElementTypes.end()) {
    reader.fail(fmt::format("tensor '{}' has element type '{}', which is not supported", tensor, name));
  }
  return found->type;
}

std::vector<std::int64_t> row_major_strides(const std::vector<std::int64_t>& shape) {
  std::vector<std::int64_t> strides(shape.size(), 1);
  for (std::size_t i = shape.size(); i > 1; --i) strides[i - 2] = strides[i - 1] * shape[i - 1];
  return strides;
}

// The list of non-negative integers under `key`; nothing if it is anything else.
std::optional<std::vector<std::int64_t>> find_sizes(const Json& entry, const char* key) {
  const auto found = entry.find(key);
  if (found == entry.end() || !found->is_array()) return {};
  std::vector<std::int64_t> sizes;
  for (const Json& item : *found) {
    if (!item.is_number_unsigned()) return {};
    sizes.push_back(static_cast<std::int64_t>(item.get<std::uint64_t>()));
  }
  return sizes;
}

Claim parse_tensor(const std::string& name, const Json& entry, const ByteReader& reader) {
  const auto type = entry.is_object() ? entry.find("dtype") : entry.end();
  const auto shape = entry.is_object() ? find_sizes(entry, "shape") : std::nullopt;
  const auto offsets = entry.is_object() ? find_sizes(entry, "data_offsets") : std::nullopt;
  if (type == entry.end() || !type->is_string() || !shape || !offsets || offsets->size() != 2) {
    reader.fail(
        fmt::format("tensor '{}' of the safetensors header lacks dtype, shape or data_offsets", name));
  }
  Claim claim;
  claim.record.type = parse_type(type->get<std::string>(), name, reader);
  claim.record.shape = *shape;
  claim.begin = static_cast<std::uint64_t>(offsets->front());
  claim.end = static_cast<std::uint64_t>(offsets->back());
  const auto count = checked_element_count(claim.record.shape);
  if (!count || claim.end < claim.begin ||
      claim.end - claim.begin != static_cast<std::uint64_t>(*count) * element_size(claim.record.type)) {
    reader.fail(fmt::format("tensor '{}' of the safetensors header: its shape and its bytes disagree", name));
  }
  claim.record.name = name;
  claim.record.strides = row_major_strides(claim.record.shape);
  return claim;
}

// Tensors must tile the data: a hole or an overlap means that header and data do not belong together.
void assign_bytes(std::vector<Claim>& claims, ByteReader& reader) {
  std::ranges::stable_sort(claims, {}, [](const Claim& claim) { return std::pair(claim.begin, claim.end); });
  std::uint64_t position = 0;
  for (Claim& claim : claims) {
    if (claim.begin != position) {
      reader.fail(fmt::format("tensor '{}' begins at data byte {}, but the one before it ends at {}",
                              claim.record.name, claim.begin, position));
    }
    claim.record.bytes = reader.take(claim.end - claim.begin);
    position = claim.end;
  }
  if (reader.remaining() != 0) {
    reader.fail(fmt::format("{} bytes follow the last tensor", reader.remaining()));
  }
}

std::string build_header(std::span<const TensorToWrite> tensors,
                         const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header[kMetadataKey] = metadata;
  std::uint64_t position = 0;
  for (const TensorToWrite& tensor : tensors) {
    const auto count = checked_element_count(tensor.shape);
    if (!count || tensor.bytes.size() != static_cast<std::uint64_t>(*count) * element_size(tensor.type)) {
      throw Error(ExitCode::kBug, fmt::format("tensor '{}': its shape and its bytes disagree", tensor.name));
    }
    header[tensor.name] = {{"dtype", element_name(tensor.type)},
                           {"shape", tensor.shape},
                           {"data_offsets", {position, position + tensor.bytes.size()}}};
    position += tensor.bytes.size();
  }
  // A class name from a file system may not be UTF-8, and that must not keep the weights from being saved.
  std::string text = header.dump(-1, ' ', false, Json::error_handler_t::replace);
  text.resize((text.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');
  return text;
}

}  // namespace

TensorFile read_safetensors(const std::filesystem::path& path) {
  auto mapping = std::make_shared<const MappedFile>(path);
  ByteReader reader(mapping->bytes(), path);
  const Json header = parse_header(reader);

  TensorFile file{.path = path, .tensors = {}, .metadata = {}, .memory = mapping};
  std::vector<Claim> claims;
  for (const auto& [name, entry] : header.items()) {
    if (name == kMetadataKey) {
      file.metadata = parse_metadata(entry, reader);
    } else {
      claims.push_back(parse_tensor(name, entry, reader));
    }
  }
  assign_bytes(claims, reader);
  for (Claim& claim : claims) file.tensors.push_back(std::move(claim.record));
  return file;
}

void write_safetensors(const std::filesystem::path& path, std::span<const TensorToWrite> tensors,
                       const std::map<std::string, std::string>& metadata) {
  const std::string header = build_header(tensors, metadata);
  const auto length = std::bit_cast<std::array<std::byte, kLengthBytes>>(std::uint64_t{header.size()});
  AtomicFile file(path);
  file.write(length);
  file.write(header);
  for (const TensorToWrite& tensor : tensors) file.write(tensor.bytes);
  file.commit();
}

}  // namespace ft
