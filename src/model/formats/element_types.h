// One table of what each element type is called, by whom.
#pragma once

#include <array>
#include <cstddef>

#include "ft/model/formats/tensor_file.h"

namespace ft {

struct ElementTypeInfo {
  ElementType type;
  std::size_t size;
  const char* name;           // safetensors
  const char* torch_storage;  // the class in module `torch`
};

// In the order of the enumerators.
inline constexpr std::array kElementTypes = {
    ElementTypeInfo{ElementType::kFloat16, 2, "F16", "HalfStorage"},
    ElementTypeInfo{ElementType::kBFloat16, 2, "BF16", "BFloat16Storage"},
    ElementTypeInfo{ElementType::kFloat32, 4, "F32", "FloatStorage"},
    ElementTypeInfo{ElementType::kFloat64, 8, "F64", "DoubleStorage"},
    ElementTypeInfo{ElementType::kInt8, 1, "I8", "CharStorage"},
    ElementTypeInfo{ElementType::kInt16, 2, "I16", "ShortStorage"},
    ElementTypeInfo{ElementType::kInt32, 4, "I32", "IntStorage"},
    ElementTypeInfo{ElementType::kInt64, 8, "I64", "LongStorage"},
    ElementTypeInfo{ElementType::kUInt8, 1, "U8", "ByteStorage"},
    ElementTypeInfo{ElementType::kBool, 1, "BOOL", "BoolStorage"},
};

[[nodiscard]] constexpr const ElementTypeInfo& describe(ElementType type) noexcept {
  return kElementTypes[static_cast<std::size_t>(type)];
}

}  // namespace ft
