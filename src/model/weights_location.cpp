#include "weights_location.h"

#include <array>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "ft/base/error.h"

namespace ft {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCheckpointModel = "model.safetensors";

// (incarnation, step) of a checkpoint directory, "step-00000120-i0003".
std::optional<std::pair<unsigned, unsigned long>> parse_checkpoint_name(const std::string& name) {
  unsigned long step = 0;
  unsigned incarnation = 0;
  int used = 0;
  if (std::sscanf(name.c_str(), "step-%lu-i%u%n", &step, &incarnation, &used) != 2) return {};
  if (static_cast<std::size_t>(used) != name.size()) return {};
  return std::pair(incarnation, step);
}

std::optional<fs::path> newest_checkpoint_model(const fs::path& run) {
  std::optional<fs::path> newest;
  std::pair<unsigned, unsigned long> newest_position;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(run / "checkpoints", error)) {
    const auto position = parse_checkpoint_name(entry.path().filename().string());
    const fs::path model = entry.path() / kCheckpointModel;
    if (!position || !fs::is_regular_file(model, error)) continue;
    if (!newest || *position > newest_position) {
      newest = model;
      newest_position = *position;
    }
  }
  return newest;
}

}  // namespace

fs::path locate_weights(const fs::path& weights) {
  std::error_code error;
  if (!fs::is_directory(weights, error)) return weights;
  for (const char* name : {"final.safetensors", "best.safetensors"}) {
    if (fs::is_regular_file(weights / name, error)) return weights / name;
  }
  if (auto model = newest_checkpoint_model(weights)) return *model;
  if (fs::is_regular_file(weights / kCheckpointModel, error)) return weights / kCheckpointModel;
  throw DataError(fmt::format("{}: no weights in this directory", weights.string()),
                  "a run directory holds final.safetensors, best.safetensors or checkpoints/");
}

}  // namespace ft
