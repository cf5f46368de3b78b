// Does a file of weights fit the model? Everything but the head has to.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ft/model/formats/tensor_file.h"
#include "ft/model/state_dict.h"

namespace ft {

// DataError, one line with every kind of difference, when a key is missing, extra or misshapen. The head may
// have any number of rows or be absent. BatchNorm's num_batches_tracked may be absent: torch before 0.4.1 did
// not save it.
void check_source(const TensorFile& file, const std::vector<NamedTensor>& model, const std::string& arch);

// The source's head, when it is a linear layer as the model's is.
struct SourceHead {
  const TensorRecord* weight = nullptr;
  const TensorRecord* bias = nullptr;
  std::int64_t rows = 0;
};
[[nodiscard]] SourceHead find_source_head(const TensorFile& file);

}  // namespace ft
