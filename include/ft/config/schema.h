// The one table of every config key. Parsing, checking, --help, docs/config.md, the start-up table and the
// rule for resume all read it, so they cannot drift apart.
#pragma once

#include <functional>
#include <span>
#include <stdexcept>
#include <string>

#include "ft/config/config.h"

namespace ft {

// May this key differ between the run that saved a checkpoint and the one that resumes it?
enum class OnResume {
  kMustMatch,               // it changes what a step means
  kMustMatchUnlessDefault,  // that too; a younger key, which is no part of the fingerprint at its default
  kFree,                    // it changes where, how fast, how long or how loudly
  kFreeIfConstant,          // free while optimizer.schedule is constant: others stretch over the run
  kFractionMustMatch        // a fraction changes what a step means; a path goes by the data's fingerprint
};

// A value that the table refuses; the parser adds file, line, column and key.
class BadValue : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// One key. `parse` sets the member from YAML text and throws BadValue; `format` gives the text that parse
// reads back.
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

// Every key, grouped by section in the order of config_sections().
[[nodiscard]] std::span<const KeySpec> config_schema();

struct SectionSpec {
  std::string name;
  std::string help;  // one sentence
};

[[nodiscard]] std::span<const SectionSpec> config_sections();

// Null when there is no such key.
[[nodiscard]] const KeySpec* find_key(const std::string& name);

// What the writer of an unknown key most likely meant: the smallest number of typing errors, where a right
// key in the wrong section, or in none, counts as a small one.
[[nodiscard]] const KeySpec& nearest_key(const std::string& name);

[[nodiscard]] const SectionSpec& nearest_section(const std::string& name);

// docs/config.md, whole.
[[nodiscard]] std::string config_reference_markdown();

}  // namespace ft
