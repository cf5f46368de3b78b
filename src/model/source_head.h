// The head of a model that is fine-tuned: new, or taken from the source where its classes are ours.
#pragma once

#include <string>
#include <vector>

#include "ft/config/config.h"
#include "ft/model/pretrained.h"
#include "ft/model/resnet.h"

#include "source_check.h"

namespace ft {

// The source's class names in row order; empty when nothing names them. DataError when the file's own
// metadata contradicts its head.
[[nodiscard]] std::vector<std::string> source_class_names(const TensorFile& file, std::int64_t head_rows);

// Which row of the source's head starts which row of ours.
struct RowCopy {
  std::int64_t to;
  std::int64_t from;
  std::string description;  // "bee <- row 37 (n02206856)"
};

// Resolves `model.head_init`; UsageError names the entry that cannot be.
[[nodiscard]] std::vector<RowCopy> resolve_head_rows(const HeadRows& wanted,
                                                     const std::vector<std::string>& classes,
                                                     const std::vector<std::string>& source_classes,
                                                     std::int64_t source_rows);

}  // namespace ft
