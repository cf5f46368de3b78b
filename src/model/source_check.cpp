#include "source_check.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ft/base/error.h"
#include "ft/model/resnet.h"

namespace ft {
namespace {

struct Differences {
  std::vector<std::string> missing;
  std::vector<std::string> extra;
  std::vector<std::string> misshapen;

  [[nodiscard]] bool none() const { return missing.empty() && extra.empty() && misshapen.empty(); }
};

bool is_floating(ElementType type) {
  return type == ElementType::kFloat16 || type == ElementType::kBFloat16 || type == ElementType::kFloat32 ||
         type == ElementType::kFloat64;
}

std::string mismatch(const TensorRecord& found, const torch::Tensor& wanted) {
  return fmt::format("{} is {}[{}], not [{}]", found.name,
                     is_floating(found.type) ? "" : element_name(found.type), fmt::join(found.shape, ","),
                     fmt::join(wanted.sizes().vec(), ","));
}

// Only the number of rows of the head is free: its columns are the features that the model computes.
bool fits(const TensorRecord& found, const NamedTensor& wanted) {
  if (is_floating(found.type) != wanted.tensor.is_floating_point()) return false;
  std::vector<std::int64_t> shape = wanted.tensor.sizes().vec();
  if (wanted.name.starts_with(kHeadPrefix) && found.shape.size() == shape.size()) shape[0] = found.shape[0];
  return found.shape == shape;
}

Differences compare(const TensorFile& file, const std::vector<NamedTensor>& model) {
  std::map<std::string_view, const TensorRecord*> found;
  for (const TensorRecord& record : file.tensors) found.emplace(record.name, &record);

  Differences differences;
  std::set<std::string_view> wanted;
  for (const NamedTensor& entry : model) {
    wanted.insert(entry.name);
    const auto record = found.find(entry.name);
    const bool optional = entry.name.starts_with(kHeadPrefix) || entry.name.ends_with(".num_batches_tracked");
    if (record == found.end()) {
      if (!optional) differences.missing.push_back(entry.name);
    } else if (!fits(*record->second, entry)) {
      differences.misshapen.push_back(mismatch(*record->second, entry.tensor));
    }
  }
  for (const TensorRecord& record : file.tensors) {
    if (!wanted.contains(record.name) && !record.name.starts_with(kHeadPrefix))
      differences.extra.push_back(record.name);
  }
  return differences;
}

std::string describe(const char* kind, const std::vector<std::string>& keys) {
  constexpr std::size_t kMostNamed = 4;
  std::string shown;
  for (std::size_t i = 0; i < std::min(keys.size(), kMostNamed); ++i) {
    shown += fmt::format("{}{}", i == 0 ? "" : ", ", keys[i]);
  }
  if (keys.size() > kMostNamed) shown += fmt::format(", and {} more", keys.size() - kMostNamed);
  return fmt::format("{} {} ({})", keys.size(), kind, shown);
}

std::size_t count_blocks(const TensorFile& file, int stage) {
  std::size_t blocks = 0;
  while (file.find(fmt::format("layer{}.{}.conv1.weight", stage, blocks)) != nullptr) ++blocks;
  return blocks;
}

std::string guess_resnet(const TensorFile& file) {
  struct Depth {
    std::array<std::size_t, 4> blocks;
    const char* basic;
    const char* bottleneck;
  };
  constexpr std::array kDepths = {
      Depth{{2, 2, 2, 2}, "resnet18", "resnet26"},
      Depth{{3, 4, 6, 3}, "resnet34", "resnet50"},
      Depth{{3, 4, 23, 3}, "a ResNet", "resnet101"},
      Depth{{3, 8, 36, 3}, "a ResNet", "resnet152"},
  };
  const std::array<std::size_t, 4> blocks = {count_blocks(file, 1), count_blocks(file, 2),
                                             count_blocks(file, 3), count_blocks(file, 4)};
  const bool bottleneck = file.find("layer1.0.conv3.weight") != nullptr;
  for (const Depth& depth : kDepths) {
    if (depth.blocks == blocks) return bottleneck ? depth.bottleneck : depth.basic;
  }
  return blocks[0] == 0 ? "" : "a ResNet of another depth";
}

// What the keys look like, or nothing.
std::string guess_architecture(const TensorFile& file) {
  struct Sign {
    const char* key;
    const char* architecture;
  };
  constexpr std::array kSigns = {
      Sign{"features.conv0.weight", "a DenseNet"},
      Sign{"features.0.0.weight", "a MobileNet, EfficientNet or ConvNeXt"},
      Sign{"features.0.weight", "a VGG or AlexNet"},
      Sign{"conv_proj.weight", "a vision transformer"},
      Sign{"patch_embed.proj.weight", "a vision transformer"},
      Sign{"Conv2d_1a_3x3.conv.weight", "an Inception"},
      Sign{"conv_stem.weight", "an EfficientNet"},
  };
  for (const Sign& sign : kSigns) {
    if (file.find(sign.key) != nullptr) return sign.architecture;
  }
  return guess_resnet(file);
}

}  // namespace

void check_source(const TensorFile& file, const std::vector<NamedTensor>& model, const std::string& arch) {
  const Differences differences = compare(file, model);
  if (differences.none()) return;
  std::vector<std::string> parts;
  if (!differences.missing.empty()) parts.push_back(describe("missing", differences.missing));
  if (!differences.extra.empty()) parts.push_back(describe("extra", differences.extra));
  if (!differences.misshapen.empty()) parts.push_back(describe("misshapen", differences.misshapen));

  const std::string guess = guess_architecture(file);
  throw DataError(
      fmt::format("{}: these weights do not fit {}: {}", file.path.string(), arch, fmt::join(parts, ", ")),
      guess.empty() || guess == arch ? "only the head ('fc.') may differ"
                                     : fmt::format("they look like {}; see model.arch", guess));
}

SourceHead find_source_head(const TensorFile& file) {
  const TensorRecord* weight = file.find("fc.weight");
  const TensorRecord* bias = file.find("fc.bias");
  if (weight == nullptr || bias == nullptr || weight->shape.at(0) != bias->shape.at(0)) return {};
  return {weight, bias, weight->shape[0]};
}

}  // namespace ft
