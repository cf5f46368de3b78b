// A config as text, and what two configs differ in.
#include <functional>
#include <optional>
#include <string_view>
#include <variant>

#include <fmt/format.h>

#include "ft/base/hash.h"
#include "ft/config/load.h"
#include "ft/config/schema.h"

namespace ft {
namespace {

// The value as far as resume depends on it; nullopt when it does not.
std::optional<std::string> value_for_resume(const KeySpec& spec, const Config& config) {
  switch (spec.on_resume) {
    case OnResume::kMustMatch:
      return spec.format(config);
    case OnResume::kMustMatchUnlessDefault: {
      std::string text = spec.format(config);
      if (text == spec.default_text) return std::nullopt;
      return text;
    }
    case OnResume::kFree:
      return std::nullopt;
    case OnResume::kFreeIfConstant:
      if (config.optimizer.schedule == ScheduleKind::kConstant) return std::nullopt;
      return spec.format(config);
    case OnResume::kFractionMustMatch:
      if (std::holds_alternative<std::string>(config.data.val)) return "a packed set";
      return spec.format(config);
  }
  return std::nullopt;
}

using Comparable = std::function<std::optional<std::string>(const KeySpec&, const Config&)>;

struct Names {
  std::string_view a;
  std::string_view b;
};

std::vector<std::string> differences(const Config& a, const Config& b, const Names& names,
                                     const Comparable& comparable) {
  std::vector<std::string> lines;
  for (const KeySpec& spec : config_schema()) {
    if (comparable(spec, a) == comparable(spec, b)) continue;
    lines.push_back(
        fmt::format("{}: {} {}, {} {}", spec.name, spec.format(a), names.a, spec.format(b), names.b));
  }
  return lines;
}

}  // namespace

std::string to_yaml(const Config& config) {
  std::string text;
  for (const SectionSpec& section : config_sections()) {
    const std::string prefix = section.name + ".";
    text += section.name + ":\n";
    for (const KeySpec& spec : config_schema()) {
      if (!spec.name.starts_with(prefix)) continue;
      text += fmt::format("  {}: {}\n", spec.name.substr(prefix.size()), spec.format(config));
    }
  }
  return text;
}

std::string config_fingerprint(const Config& config) {
  std::string lines;
  for (const KeySpec& spec : config_schema()) {
    if (const auto value = value_for_resume(spec, config)) lines += fmt::format("{}={}\n", spec.name, *value);
  }
  return xxh3_128_of(lines);
}

std::vector<std::string> differences_that_matter(const Config& saved, const Config& current) {
  return differences(saved, current, {.a = "there", .b = "here"}, value_for_resume);
}

std::vector<std::string> all_differences(const Config& a, const Config& b) {
  return differences(a, b, {.a = "in the first", .b = "in the second"},
                     [](const KeySpec& spec, const Config& config) { return spec.format(config); });
}

}  // namespace ft
