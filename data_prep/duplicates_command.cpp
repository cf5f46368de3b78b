// `ft_pack duplicates`: the same picture twice in a packed set, or in two of them.
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "ft/base/cores.h"

#include "commands.h"
#include "packed_looks.h"

namespace ft {
namespace {

struct DuplicatesArguments {
  std::string directory;
  std::string against;
  bool json = false;
  int workers = 1;
};

constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();

bool never() {
  return false;
}

void run_duplicates(const DuplicatesArguments& arguments) {
  const PackedSet set(arguments.directory);
  std::optional<PackedSet> other;
  if (!arguments.against.empty()) other.emplace(arguments.against);
  const LooksOfSet looks = looks_of(set, arguments.workers, never);
  const PictureNames names = names_of(set);
  const Duplicates within = name_repeats(find_repeats(looks, arguments.workers, never), names, names, kAll);
  nlohmann::ordered_json json{{"within", to_json(within)}};
  std::string text = within.count > 0 ? duplicates_text(within) : "no picture repeats another\n";
  if (other) {
    const LooksOfSet other_looks = looks_of(*other, arguments.workers, never);
    const Duplicates overlap = name_repeats(find_repeats(looks, other_looks, arguments.workers, never), names,
                                            names_of(*other), kAll);
    json["against"] = to_json(overlap);
    text += overlap_text(overlap, arguments.directory, arguments.against);
  }
  fmt::print("{}", arguments.json ? json.dump(1) + "\n" : text);
}

}  // namespace

void add_duplicates_command(CLI::App& app, Command& chosen) {
  auto arguments = std::make_shared<DuplicatesArguments>();
  arguments->workers = static_cast<int>(allowed_cores().size());
  CLI::App* command = app.add_subcommand(
      "duplicates", "Find pictures that are there twice, as the same file or nearly the same");
  command->add_option("DIR", arguments->directory, "A packed set")->required();
  command->add_option("--against", arguments->against, "Also find those that are in this set too")
      ->type_name("OTHER");
  command->add_flag("--json", arguments->json, "Print JSON, with the whole list");
  command->add_option("--workers", arguments->workers, "Threads")
      ->type_name("N")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command->callback([arguments, &chosen] { chosen = [arguments] { run_duplicates(*arguments); }; });
}

}  // namespace ft
