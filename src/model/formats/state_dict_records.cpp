#include "state_dict_records.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>

#include <fmt/format.h>

#include "ft/base/error.h"

#include "element_types.h"
#include "extent.h"

namespace ft {
namespace {

using pickle::Dict;
using pickle::DictId;
using pickle::Graph;
using pickle::TensorId;
using pickle::Value;

// Where training scripts put the weights among other things.
constexpr std::array<std::string_view, 3> kWrapperKeys = {"state_dict", "model", "model_state_dict"};
constexpr std::string_view kDataParallelPrefix = "module.";

std::string_view text_or_empty(const Value& value) {
  const auto* text = std::get_if<std::string_view>(&value);
  return text == nullptr ? std::string_view{} : *text;
}

bool holds_tensors(const Dict& dict) {
  return std::ranges::any_of(dict,
                             [](const auto& item) { return std::holds_alternative<TensorId>(item.second); });
}

std::string some_keys(const Dict& dict) {
  constexpr std::size_t kMostKeys = 6;
  std::string list;
  for (std::size_t i = 0; i < std::min(dict.size(), kMostKeys); ++i) {
    list += fmt::format("{}'{}'", i == 0 ? "" : ", ", text_or_empty(dict[i].first).substr(0, 60));
  }
  return dict.size() > kMostKeys ? list + ", ..." : list;
}

const Dict& find_state_dict(const Graph& graph, const std::filesystem::path& path) {
  const auto* root_id = std::get_if<DictId>(&graph.root);
  if (root_id == nullptr) {
    throw DataError(fmt::format("{}: holds no state_dict but another kind of object", path.string()),
                    "save the weights alone: torch.save(model.state_dict(), FILE)");
  }
  const Dict& root = graph.at(*root_id);
  if (holds_tensors(root)) return root;
  for (const std::string_view wrapper : kWrapperKeys) {
    for (const auto& [key, value] : root) {
      const auto* inner = std::get_if<DictId>(&value);
      if (text_or_empty(key) == wrapper && inner != nullptr && holds_tensors(graph.at(*inner))) {
        return graph.at(*inner);
      }
    }
  }
  throw DataError(
      fmt::format("{}: holds a dict without tensors; its keys are {}", path.string(),
                  root.empty() ? "none" : some_keys(root)),
      "the weights are looked for at the top and under 'state_dict', 'model', 'model_state_dict'");
}

TensorRecord resolve(const std::string& name, const pickle::Tensor& tensor, const Graph& graph,
                     const StorageLookup& storage_bytes, const std::filesystem::path& path) {
  const pickle::Storage& storage = graph.at(tensor.storage);
  const std::span<const std::byte> bytes = storage_bytes(storage.key);
  const auto in_storage = static_cast<std::int64_t>(bytes.size() / element_size(storage.type));
  const auto reach = checked_span(tensor.shape, tensor.strides);
  const bool storage_fits = storage.first <= in_storage && storage.count <= in_storage - storage.first;
  const bool tensor_fits = storage_fits && reach && tensor.first >= 0 && tensor.first <= storage.count &&
                           *reach <= storage.count - tensor.first;
  if (!tensor_fits) {
    throw DataError(fmt::format("{}: tensor '{}' reaches past its storage '{}' of {} bytes", path.string(),
                                name, storage.key, bytes.size()),
                    "the file is damaged; copy or download it again");
  }
  const std::size_t size = element_size(storage.type);
  const auto begin = static_cast<std::size_t>(storage.first + tensor.first) * size;
  return {.name = name,
          .type = storage.type,
          .shape = tensor.shape,
          .strides = tensor.strides,
          .bytes = bytes.subspan(begin, static_cast<std::size_t>(*reach) * size)};
}

void drop_data_parallel_prefix(std::vector<TensorRecord>& records) {
  const auto prefixed = [](const TensorRecord& record) {
    return record.name.starts_with(kDataParallelPrefix);
  };
  if (!std::ranges::all_of(records, prefixed)) return;
  for (TensorRecord& record : records) record.name.erase(0, kDataParallelPrefix.size());
}

}  // namespace

std::vector<TensorRecord> state_dict_records(const Graph& graph, const StorageLookup& storage_bytes,
                                             const std::filesystem::path& path) {
  std::vector<TensorRecord> records;
  std::set<std::string_view> seen;
  for (const auto& [key, value] : find_state_dict(graph, path)) {
    const auto* name = std::get_if<std::string_view>(&key);
    const auto* tensor = std::get_if<TensorId>(&value);
    if (name == nullptr || tensor == nullptr) {
      throw DataError(fmt::format("{}: entry '{}' beside the weights is not a tensor", path.string(),
                                  text_or_empty(key).substr(0, 100)),
                      "save the weights alone: torch.save(model.state_dict(), FILE)");
    }
    if (!seen.insert(*name).second) {
      throw DataError(fmt::format("{}: key '{}' stands there twice", path.string(), *name));
    }
    records.push_back(resolve(std::string(*name), graph.at(*tensor), graph, storage_bytes, path));
  }
  drop_data_parallel_prefix(records);
  return records;
}

}  // namespace ft
