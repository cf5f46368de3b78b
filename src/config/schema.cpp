#include "ft/config/schema.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "edit_distance.h"
#include "keys.h"

namespace ft {
namespace {

std::vector<KeySpec> build_schema() {
  std::vector<KeySpec> keys;
  add_run_keys(keys);
  add_data_keys(keys);
  add_model_keys(keys);
  add_optimizer_keys(keys);
  add_train_keys(keys);
  add_dist_keys(keys);
  add_eval_keys(keys);
  add_checkpoint_keys(keys);
  add_log_keys(keys);
  return keys;
}

struct SplitName {
  std::string_view section;  // empty when there is no dot
  std::string_view key;
};

SplitName split(std::string_view name) {
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos) return {{}, name};
  return {name.substr(0, dot), name.substr(dot + 1)};
}

std::size_t typing_errors(std::string_view written, std::string_view valid) {
  // A wrong section is a slip of memory rather than of the fingers: however far it is, it counts as two
  // letters.
  constexpr std::size_t kWrongSection = 2;
  const SplitName a = split(written);
  const SplitName b = split(valid);
  return std::min(edit_distance(a.section, b.section), kWrongSection) + edit_distance(a.key, b.key);
}

}  // namespace

std::span<const KeySpec> config_schema() {
  static const std::vector<KeySpec> schema = build_schema();
  return schema;
}

std::span<const SectionSpec> config_sections() {
  static const std::vector<SectionSpec> sections = {
      {"run", "Where the run happens."},
      {"data", "The pictures, and what becomes of them before the model sees them."},
      {"model", "The network and the weights that it starts from."},
      {"optimizer", "How weights are updated."},
      {"train", "What one step is, and how many there are."},
      {"dist", "How ranks work together."},
      {"eval", "Evaluation while training."},
      {"checkpoint", "What is saved, and what a run starts from."},
      {"log", "What is written down, and how often."},
  };
  return sections;
}

const KeySpec* find_key(const std::string& name) {
  const auto schema = config_schema();
  const auto found =
      std::find_if(schema.begin(), schema.end(), [&](const KeySpec& spec) { return spec.name == name; });
  return found == schema.end() ? nullptr : &*found;
}

const KeySpec& nearest_key(const std::string& name) {
  const auto schema = config_schema();
  return *std::min_element(schema.begin(), schema.end(), [&](const KeySpec& a, const KeySpec& b) {
    return typing_errors(name, a.name) < typing_errors(name, b.name);
  });
}

const SectionSpec& nearest_section(const std::string& name) {
  const auto sections = config_sections();
  return *std::min_element(sections.begin(), sections.end(), [&](const SectionSpec& a, const SectionSpec& b) {
    return edit_distance(name, a.name) < edit_distance(name, b.name);
  });
}

}  // namespace ft
