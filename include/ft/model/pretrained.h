// Copying a source model into the one to train: every layer but the head, as in the "Fine-Tuning" chapter of
// Dive into Deep Learning; and the head's own start.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "ft/config/config.h"
#include "ft/model/resnet.h"

namespace ft {

// What was loaded, for the start-up table.
struct PretrainedReport {
  std::filesystem::path file;
  std::string fingerprint;                  // XXH3-128 of the file
  std::vector<std::string> source_classes;  // empty when the source does not name them
  std::int64_t source_head_rows = 0;
  bool head_copied = false;              // the source has the same class names: its whole head was taken
  std::vector<std::string> rows_copied;  // "bee <- row 37"
};

// `config.weights` is a .pth, a .safetensors, or a run or checkpoint directory of ours. DataError lists the
// missing, extra and misshapen keys; only the head ("fc.") may differ. UsageError for a bad head_init map: a
// class that is not in `classes`, a row past the source's head, a source class that is not known. There a
// number is a row, anything else a class name. Source class names: the file's metadata ("classes", a JSON
// array), else a classes.txt beside it (one a line, as many as the head has rows). The head is init_head's,
// but for the rows of the map; it is copied whole when the source has the same classes and there is no map.
// Must run on the CPU, before the model moves to its device. When it throws, the model is as it was.
PretrainedReport load_pretrained(ResNet& model, const ModelConfig& config,
                                 const std::vector<std::string>& classes, std::uint64_t seed);

// Xavier-uniform (Glorot and Bengio 2010) for fc.weight, zeros for fc.bias, drawn from `seed` by our own
// generator: the same on every rank.
void init_head(ResNet& model, std::uint64_t seed);

// torchvision's start of a model from scratch, drawn from `seed` by our own generator: Kaiming normal (fan
// out) for convolutions, ones and zeros for BatchNorm, and for fc torch's default, uniform within
// 1/sqrt(inputs).
void init_from_scratch(ResNet& model, std::uint64_t seed);

}  // namespace ft
