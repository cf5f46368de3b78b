// docs/config.md, from the table.
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "ft/config/schema.h"

namespace ft {
namespace {

constexpr std::string_view kIntro = R"(# Configuration

<!-- Written by the program from the table that parses the file; a test compares the two. -->

A run is described by one YAML file with a section for each part of the program. Every key has a default, so a file
names only what differs from it:

```yaml
run: {dir: runs/hotdog}
data: {train: packed/hotdog-train, test: packed/hotdog-test}
model: {weights: resnet18.pth}
train: {epochs: 10}
```

- **Precedence.** Defaults, then the file, then `--set section.key=value` from left to right. The value of `--set` is
  YAML too: `--set 'model.freeze=[conv1, layer1]'`.
- **`auto`** leaves the choice to the program. What it chose is printed at the start of the run.
- **Paths** may be relative to the working directory. `config.yaml` in the run's directory holds the resolved
  config: every key, absolute paths.
- **Mistakes** are one line with file, line, column and key, and end the program with code 2 before anything is
  written: an unknown key (with the nearest valid one), a wrong type, a value out of range, a key given twice.
- **On resume** says which keys must be as they were when the checkpoint was saved. The others may change.
)";

std::string_view on_resume_text(OnResume on_resume) {
  switch (on_resume) {
    case OnResume::kMustMatch:
    case OnResume::kMustMatchUnlessDefault:
      return "must match";
    case OnResume::kFree:
      return "free";
    case OnResume::kFreeIfConstant:
      return "free if `optimizer.schedule` is constant";
    case OnResume::kFractionMustMatch:
      return "a fraction must match";
  }
  return {};
}

// A bar would end the cell, also inside backticks.
std::string in_cell(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '|') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string row(const KeySpec& spec) {
  const std::string range = spec.range.empty() || spec.range == spec.type ? "" : ", " + spec.range;
  return fmt::format("| `{}` | {}{} | `{}` | {} | {} |\n", spec.name, in_cell(spec.type), range,
                     in_cell(spec.default_text), on_resume_text(spec.on_resume), in_cell(spec.help));
}

}  // namespace

std::string config_reference_markdown() {
  std::string page(kIntro);
  for (const SectionSpec& section : config_sections()) {
    page += fmt::format("\n## {}\n\n{}\n\n", section.name, section.help);
    page += "| Key | Type | Default | On resume | Meaning |\n|---|---|---|---|---|\n";
    for (const KeySpec& spec : config_schema()) {
      if (spec.name.starts_with(section.name + ".")) page += row(spec);
    }
  }
  return page;
}

}  // namespace ft
