#include "ft/config/load.h"

#include <map>
#include <string_view>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "ft/base/error.h"
#include "ft/base/file.h"
#include "ft/config/schema.h"

#include "cross_checks.h"
#include "origins.h"
#include "yaml_text.h"

namespace ft {
namespace {

namespace fs = std::filesystem;

// yaml-cpp counts from 0, editors from 1.
std::string position(const YAML::Mark& mark) {
  return fmt::format("{}:{}", mark.line + 1, mark.column + 1);
}

std::string did_you_mean(const std::string& name) {
  return fmt::format("did you mean {}?", nearest_key(name).name);
}

std::string text_of_config(const fs::path& file) {
  try {
    return read_text_file(file);
  } catch (const DataError& error) {
    // A config that cannot be read is a wrong command line, not damaged data.
    throw UsageError(error.what(), "--config takes the path of a YAML file");
  }
}

// Reads one file into a config.
class FileReader {
 public:
  FileReader(const fs::path& file, Config& config, Origins& origins)
      : file_(file.string()), config_(config), origins_(origins) {}

  void read() {
    const YAML::Node root = parse(text_of_config(file_));
    if (root.IsNull()) return;
    if (!root.IsMap()) fail(root, fmt::format("expected sections such as `train:`, got {}", describe(root)));
    for (const auto& entry : root) read_section(entry.first, entry.second);
  }

 private:
  [[nodiscard]] std::string place(const YAML::Node& node) const {
    return fmt::format("{}:{}", file_, position(node.Mark()));
  }

  [[noreturn]] void fail(const YAML::Node& node, const std::string& why, const std::string& hint = {}) const {
    throw UsageError(fmt::format("{}: {}", place(node), why), hint);
  }

  [[nodiscard]] YAML::Node parse(const std::string& text) const {
    try {
      const auto documents = YAML::LoadAll(text);
      if (documents.size() > 1) fail(documents[1], "a second document starts here", "remove the line `---`");
      return documents.empty() ? YAML::Node() : documents[0];
    } catch (const YAML::Exception& error) {
      throw UsageError(fmt::format("{}:{}: {}", file_, position(error.mark), error.msg));
    }
  }

  // Refuses a name that is no text, or that was there before.
  std::string new_name(const YAML::Node& node, const std::string& prefix) {
    if (!node.IsScalar()) fail(node, fmt::format("expected a name, got {}", describe(node)));
    std::string name = prefix + node.Scalar();
    const auto [earlier, is_new] = seen_.emplace(name, node.Mark().line + 1);
    if (!is_new) fail(node, fmt::format("{}: given twice, first in line {}", name, earlier->second));
    return name;
  }

  void read_section(const YAML::Node& name_node, const YAML::Node& values) {
    const std::string name = new_name(name_node, "");
    bool is_known = false;
    for (const SectionSpec& section : config_sections()) is_known = is_known || section.name == name;
    if (!is_known) refuse_section(name_node, values);
    // A section whose keys are all commented out.
    if (values.IsNull()) return;
    if (!values.IsMap()) {
      fail(values, fmt::format("{}: expected a section with keys, got {}", name, describe(values)),
           fmt::format("write {}: {{key: value}}, or one key a line, indented", name));
    }
    for (const auto& entry : values) read_key(name + ".", entry.first, entry.second);
  }

  // A map is a misspelt section; anything else is a key that lost its section.
  [[noreturn]] void refuse_section(const YAML::Node& name_node, const YAML::Node& values) const {
    const std::string& name = name_node.Scalar();
    if (!values.IsMap() && !values.IsNull()) {
      fail(name_node, fmt::format("{}: not a section", name), did_you_mean(name));
    }
    fail(name_node, fmt::format("{}: unknown section", name),
         fmt::format("did you mean {}?", nearest_section(name).name));
  }

  void read_key(const std::string& prefix, const YAML::Node& key, const YAML::Node& value) {
    const std::string name = new_name(key, prefix);
    const KeySpec* spec = find_key(name);
    if (spec == nullptr) fail(key, fmt::format("{}: unknown key", name), did_you_mean(name));
    try {
      spec->parse(config_, flow_text(value));
    } catch (const BadValue& bad) {
      // A value that is missing has no place of its own.
      fail(value.IsNull() ? key : value, fmt::format("{}: {}", name, bad.what()));
    }
    origins_[name] = place(value);
  }

  std::string file_;
  Config& config_;
  Origins& origins_;
  std::map<std::string, int> seen_;
};

void apply_override(const std::string& text, Config& config, Origins& origins) {
  const std::string origin = "--set " + text;
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) {
    throw UsageError(origin + ": expected section.key=value", "for example --set train.epochs=3");
  }
  const std::string name = text.substr(0, equals);
  const KeySpec* spec = find_key(name);
  if (spec == nullptr) throw UsageError(fmt::format("{}: {}: unknown key", origin, name), did_you_mean(name));
  try {
    spec->parse(config, text.substr(equals + 1));
  } catch (const BadValue& bad) {
    throw UsageError(fmt::format("{}: {}", origin, bad.what()));
  } catch (const YAML::Exception& error) {
    throw UsageError(fmt::format("{}: the value is not valid YAML: {}", origin, error.msg));
  }
  origins[name] = origin;
}

// An empty text stays empty: no such path.
void make_absolute(std::string& path) {
  if (!path.empty()) path = fs::absolute(path).lexically_normal().string();
}

void make_paths_absolute(Config& config) {
  make_absolute(config.run.dir);
  make_absolute(config.data.train);
  make_absolute(config.data.test);
  // What begins with a variable is absolute once the node has put in its own value.
  if (!config.data.stage.starts_with('$')) make_absolute(config.data.stage);
  if (auto* path = std::get_if<std::string>(&config.data.val)) make_absolute(*path);
  if (config.model.weights != "none") make_absolute(config.model.weights);
  std::string& resume = config.checkpoint.resume;
  if (resume != "auto" && resume != "never") make_absolute(resume);
}

}  // namespace

Config load_config(const std::optional<fs::path>& file, const std::vector<std::string>& overrides) {
  Config config;
  Origins origins;
  if (file) FileReader(*file, config, origins).read();
  for (const std::string& text : overrides) apply_override(text, config, origins);
  check_keys_together(config, origins);
  make_paths_absolute(config);
  return config;
}

}  // namespace ft
