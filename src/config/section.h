// Adds the keys of one section to the table.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <yaml-cpp/yaml.h>

#include "ft/config/schema.h"

namespace ft {

template <typename Struct>
class Section {
 public:
  Section(std::string name, Struct Config::*section, std::vector<KeySpec>& keys)
      : name_(std::move(name)), section_(section), keys_(keys) {}

  // `kind` is one of value_types.h, for a member of its Value type.
  template <typename Kind>
  void add(const std::string& key, typename Kind::Value Struct::*member, const Kind& kind, OnResume on_resume,
           std::string help) {
    KeySpec spec;
    spec.name = name_ + "." + key;
    spec.type = kind.type();
    spec.range = kind.range();
    spec.default_text = kind.format(Struct{}.*member);
    spec.help = std::move(help);
    spec.on_resume = on_resume;
    spec.parse = [kind, member, section = section_](Config& config, const std::string& text) {
      config.*section.*member = kind.parse(YAML::Load(text));
    };
    spec.format = [kind, member, section = section_](const Config& config) {
      return kind.format(config.*section.*member);
    };
    keys_.push_back(std::move(spec));
  }

 private:
  std::string name_;
  Struct Config::*section_;
  std::vector<KeySpec>& keys_;
};

}  // namespace ft
