// The one table of every config key. Parsing, checking, --help, docs/config.md, the start-up table and the
// rule for resume all read it, so they cannot drift apart.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "ft/config/config.h"

namespace ft {

// May this key differ between the run that saved a checkpoint and the one that resumes it?
enum class OnResume {
  kMustMatch,  // it changes what a step means
  kFree,       // it changes where, how fast, how long or how loudly
};

// A value that the table refuses; the parser adds file, line and column.
struct BadValue {
  std::string why;
};

// One key. `parse` sets the member from the scalar or flow text of the file and throws BadValue; `format`
// gives the text that parse reads back.
struct KeySpec {
  std::string name;   // "train.batch_size"
  std::string type;   // "integer", "number", "true|false", "sgd", "path", "auto|integer", ...
  std::string range;  // ">= 1", or empty
  std::string default_text;
  std::string help;  // one sentence
  OnResume on_resume = OnResume::kMustMatch;
  // `text` is YAML: a scalar as written, or a sequence or map in flow style.
  std::function<void(Config&, const std::string& text)> parse;
  std::function<std::string(const Config&)> format;
};

[[nodiscard]] std::span<const KeySpec> config_schema();

// The nearest key by edit distance, for "did you mean".
[[nodiscard]] const KeySpec& nearest_key(const std::string& name);

// docs/config.md, whole.
[[nodiscard]] std::string config_reference_markdown();

}  // namespace ft
