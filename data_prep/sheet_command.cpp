// `ft_pack sheet`: a picture of what a packed set holds, or of what training sees.
#include <memory>
#include <string>

#include <fmt/format.h>

#include "commands.h"
#include "option_checks.h"
#include "png_file.h"
#include "set_sheet.h"

namespace ft {
namespace {

struct SheetArguments {
  std::string directory;
  std::string out;
  bool augmented = false;
  std::vector<std::string> classes;
  int per_class = 0;  // 0: what the kind of sheet takes by itself
  int cell = 0;
  AugmentedSheetOptions training;
};

RgbImage draw(const PackedSet& set, const SheetArguments& arguments) {
  if (arguments.augmented) {
    AugmentedSheetOptions options = arguments.training;
    options.classes = arguments.classes;
    options.per_class = arguments.per_class;
    options.cell = arguments.cell;
    return draw_augmented_sheet(set, options);
  }
  SheetOptions options;
  options.classes = arguments.classes;
  if (arguments.per_class > 0) options.per_class = arguments.per_class;
  if (arguments.cell > 0) options.cell = arguments.cell;
  return draw_set_sheet(set, options);
}

void run_sheet(const SheetArguments& arguments) {
  const RgbImage sheet = draw(PackedSet(arguments.directory), arguments);
  write_png(arguments.out, sheet);
  fmt::print("{}: {} x {} pixels\n", arguments.out, sheet.width(), sheet.height());
}

void add_training_options(CLI::App& command, SheetArguments& arguments) {
  CLI::Option* augmented = command.add_flag("--augmented", arguments.augmented,
                                            "What training sees: a row a sample, a column an epoch");
  command.add_option("--epochs", arguments.training.epochs, "With --augmented: how many epochs")
      ->type_name("N")
      ->check(CLI::Range(1, 64))
      ->capture_default_str()
      ->needs(augmented);
  command.add_option("--seed", arguments.training.seed, "With --augmented: the run's seed (run.seed)")
      ->type_name("S")
      ->capture_default_str()
      ->needs(augmented);
  command.add_option("--image-size", arguments.training.image_size, "With --augmented: data.image_size")
      ->type_name("PX")
      ->check(CLI::Range(8, 1024))
      ->capture_default_str()
      ->needs(augmented);
}

constexpr const char* kFooter =
    R"(Of two classes, the first pictures of one and the last of the other; of more, the first of each
class, for the first 12 classes.

  ft_pack sheet packed/train --out sheet.png
  ft_pack sheet packed/train --out seen.png --augmented --epochs 6)";

}  // namespace

void add_sheet_command(CLI::App& app, Command& chosen) {
  auto arguments = std::make_shared<SheetArguments>();
  CLI::App* command = app.add_subcommand("sheet", "Draw a contact sheet of a packed set");
  command->footer(kFooter);
  command->add_option("DIR", arguments->directory, "A packed set")->required();
  command->add_option("--out", arguments->out, "The PNG file to write")
      ->type_name("FILE")
      ->check(not_empty())
      ->required();
  command->add_option("--classes", arguments->classes, "Only these classes, in this order")
      ->type_name("A,B")
      ->delimiter(',')
      ->allow_extra_args(false);
  command
      ->add_option("--per-class", arguments->per_class,
                   "Pictures of a class [8; augmented: for 8 rows in all]")
      ->type_name("N")
      ->check(CLI::Range(1, 1000));
  command
      ->add_option("--cell", arguments->cell,
                   "Side of a picture's square, in pixels [128; augmented: as seen]")
      ->type_name("PX")
      ->check(CLI::Range(16, 2048));
  add_training_options(*command, *arguments);
  command->callback([arguments, &chosen] { chosen = [arguments] { run_sheet(*arguments); }; });
}

}  // namespace ft
