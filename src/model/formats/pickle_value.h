// What the pickle machine builds: plain values in one arena. A value is small and refers to containers by
// number, so that a file full of cycles or deep nesting costs neither a leak nor a recursion.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "ft/model/formats/tensor_file.h"

namespace ft::pickle {

struct None {};

// An integer past 64 bits, as its two's complement bytes.
struct BigInteger {
  std::string_view little_endian;
};

enum class Callable { kOrderedDict, kSize, kRebuildTensor, kRebuildTensorV2, kRebuildParameter };

struct StorageClass {
  ElementType type;
};

enum class SequenceId : std::uint32_t {};  // a tuple or a list
enum class DictId : std::uint32_t {};
enum class StorageId : std::uint32_t {};
enum class TensorId : std::uint32_t {};

// Strings point into the file.
using Value = std::variant<None, bool, std::int64_t, double, BigInteger, std::string_view, Callable,
                           StorageClass, SequenceId, DictId, StorageId, TensorId>;

using Sequence = std::vector<Value>;
using Dict = std::vector<std::pair<Value, Value>>;  // in the order of insertion

struct Storage {
  ElementType type;
  std::string_view key;  // which storage of the file
  std::int64_t first;    // a view begins at this element of it
  std::int64_t count;    // elements in the view
};

struct Tensor {
  StorageId storage;
  std::int64_t first;  // element of the storage
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;
};

struct Graph {
  Value root;
  std::vector<Sequence> sequences;
  std::vector<Dict> dicts;
  std::vector<Storage> storages;
  std::vector<Tensor> tensors;

  [[nodiscard]] const Sequence& at(SequenceId id) const { return sequences[static_cast<std::size_t>(id)]; }
  [[nodiscard]] Sequence& at(SequenceId id) { return sequences[static_cast<std::size_t>(id)]; }
  [[nodiscard]] const Dict& at(DictId id) const { return dicts[static_cast<std::size_t>(id)]; }
  [[nodiscard]] Dict& at(DictId id) { return dicts[static_cast<std::size_t>(id)]; }
  [[nodiscard]] const Storage& at(StorageId id) const { return storages[static_cast<std::size_t>(id)]; }
  [[nodiscard]] const Tensor& at(TensorId id) const { return tensors[static_cast<std::size_t>(id)]; }
};

}  // namespace ft::pickle
