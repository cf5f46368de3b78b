// The two layouts of torch.save around one pickle: the zip archive, and the legacy stream.
#include "ft/model/formats/torch_pickle.h"

#include <map>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "ft/base/error.h"
#include "ft/base/file.h"

#include "byte_reader.h"
#include "element_types.h"
#include "pickle_machine.h"
#include "state_dict_records.h"
#include "zip_archive.h"

namespace ft {
namespace {

using namespace std::string_view_literals;

// torch/serialization.py: MAGIC_NUMBER and PROTOCOL_VERSION of the legacy stream.
constexpr std::string_view kLegacyMagic = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"sv;
constexpr std::int64_t kLegacyProtocol = 1001;

constexpr const char* kBigEndianHint =
    "load it with torch on any machine and save it again on a little-endian one";

std::vector<TensorRecord> read_zip(std::span<const std::byte> file, const std::filesystem::path& path) {
  const ZipArchive archive(file, path);
  const std::string* folder = archive.folder_of("data.pkl");
  if (folder == nullptr) {
    throw DataError(fmt::format("{}: a zip archive, but not one that torch.save wrote", path.string()));
  }
  if (archive.contains(*folder + "/constants.pkl")) {
    throw DataError(fmt::format("{}: a TorchScript archive, not a state_dict", path.string()),
                    "torch.save(torch.jit.load(FILE).state_dict(), OTHER) makes one of it");
  }
  const std::string byte_order = *folder + "/byteorder";
  if (archive.contains(byte_order) && as_text(archive.open(byte_order).bytes) != "little") {
    throw DataError(fmt::format("{}: written on a big-endian machine", path.string()), kBigEndianHint);
  }
  const ZipArchive::Entry pickled = archive.open(*folder + "/data.pkl");
  ByteReader reader(pickled.bytes, path, pickled.file_offset);
  const pickle::Graph graph = pickle::Machine(reader).run();
  const auto storage_bytes = [&](std::string_view key) {
    return archive.open(fmt::format("{}/data/{}", *folder, key)).bytes;
  };
  return state_dict_records(graph, storage_bytes, path);
}

pickle::Graph next_pickle(ByteReader& reader) {
  return pickle::Machine(reader).run();
}

void check_legacy_header(ByteReader& reader) {
  const pickle::Graph magic = next_pickle(reader);
  const auto* number = std::get_if<pickle::BigInteger>(&magic.root);
  if (number == nullptr || number->little_endian != kLegacyMagic) {
    reader.fail("a pickle, but not one that torch.save wrote",
                "a torch state_dict or a .safetensors file is wanted");
  }
  const pickle::Graph protocol = next_pickle(reader);
  const auto* version = std::get_if<std::int64_t>(&protocol.root);
  if (version == nullptr || *version != kLegacyProtocol)
    reader.fail("an unknown version of torch's legacy format");

  const pickle::Graph system = next_pickle(reader);
  const auto* facts = std::get_if<pickle::DictId>(&system.root);
  if (facts == nullptr) reader.fail("torch's legacy header is damaged");
  for (const auto& [key, value] : system.at(*facts)) {
    const auto* name = std::get_if<std::string_view>(&key);
    const auto* little = std::get_if<bool>(&value);
    if (name != nullptr && *name == "little_endian" && little != nullptr && !*little) {
      reader.fail("written on a big-endian machine", kBigEndianHint);
    }
  }
}

// After the pickles: for each key, in the order of the last pickle, an element count and the bytes.
std::map<std::string, std::span<const std::byte>, std::less<>> read_legacy_storages(
    ByteReader& reader, const pickle::Graph& graph) {
  std::map<std::string_view, std::size_t> element_sizes;
  for (const pickle::Storage& storage : graph.storages)
    element_sizes[storage.key] = element_size(storage.type);

  const pickle::Graph keys = next_pickle(reader);
  const auto* list = std::get_if<pickle::SequenceId>(&keys.root);
  if (list == nullptr) reader.fail("the list of storages is damaged");
  std::map<std::string, std::span<const std::byte>, std::less<>> storages;
  for (const pickle::Value& value : keys.at(*list)) {
    const auto* key = std::get_if<std::string_view>(&value);
    const auto size = key == nullptr ? element_sizes.end() : element_sizes.find(*key);
    if (size == element_sizes.end()) reader.fail("the list of storages names one that no tensor uses");
    const auto count = reader.take_little_endian<std::uint64_t>();
    if (count > reader.remaining() / size->second) {
      reader.fail(fmt::format("storage '{}' has {} elements, more than the file holds", *key, count),
                  "the file was cut short; copy or download it again");
    }
    storages.insert_or_assign(std::string(*key), reader.take(count * size->second));
  }
  return storages;
}

std::vector<TensorRecord> read_legacy(std::span<const std::byte> file, const std::filesystem::path& path) {
  ByteReader reader(file, path);
  check_legacy_header(reader);
  const pickle::Graph graph = next_pickle(reader);
  const auto storages = read_legacy_storages(reader, graph);
  const auto storage_bytes = [&](std::string_view key) {
    const auto found = storages.find(key);
    if (found == storages.end()) {
      throw DataError(fmt::format("{}: storage '{}' is missing", path.string(), key),
                      "the file is incomplete; copy or download it again");
    }
    return found->second;
  };
  return state_dict_records(graph, storage_bytes, path);
}

}  // namespace

TensorFile read_torch_file(const std::filesystem::path& path) {
  auto mapping = std::make_shared<const MappedFile>(path);
  const std::span<const std::byte> bytes = mapping->bytes();
  const bool zip = as_text(bytes).starts_with("PK");
  return {.path = path,
          .tensors = zip ? read_zip(bytes, path) : read_legacy(bytes, path),
          .metadata = {},
          .memory = std::move(mapping)};
}

}  // namespace ft
