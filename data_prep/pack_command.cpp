#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "ft/base/cores.h"
#include "ft/base/error.h"

#include "commands.h"
#include "idx.h"
#include "image_folder.h"
#include "interrupt.h"
#include "pack_pipeline.h"
#include "pack_report.h"

namespace ft {
namespace {

namespace fs = std::filesystem;

struct PackArguments {
  std::string source;
  std::string out;
  std::vector<std::string> classes;
  std::vector<std::string> class_names;
  PackOptions options;
};

std::unique_ptr<InputSet> open_input(const PackArguments& arguments) {
  const fs::path source = arguments.source;
  std::error_code error;
  const fs::file_status status = fs::status(source, error);
  if (status.type() == fs::file_type::not_found || status.type() == fs::file_type::none) {
    throw DataError(fmt::format("cannot open {}: {}", source.string(), error.message()));
  }
  if (!fs::is_directory(status)) {
    return std::make_unique<IdxPair>(source, arguments.class_names, arguments.classes);
  }
  if (!arguments.class_names.empty()) {
    throw UsageError("--class-names is for IDX files: in an image folder, the folders name the classes");
  }
  return std::make_unique<ImageFolder>(source, arguments.classes);
}

void pack_and_report(const InputSet& input, const PackArguments& arguments,
                     const DeferredInterrupt& interrupt) {
  const auto start = std::chrono::steady_clock::now();
  const PackResult result =
      pack(input, arguments.out, arguments.options, [&interrupt] { return interrupt.requested(); });
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  fmt::print("{}", pack_report(result, arguments.out, seconds.count()));
}

void run_pack(const PackArguments& arguments) {
  const std::unique_ptr<InputSet> input = open_input(arguments);
  try {
    const DeferredInterrupt interrupt;
    return pack_and_report(*input, arguments, interrupt);
  } catch (const Interrupted&) {
    // Not reached when the signal has its usual effect, which it had as the last thing in the block above.
    throw DataError(fmt::format("interrupted: {} was not made", arguments.out));
  }
}

}  // namespace

void add_pack_command(CLI::App& app, Command& chosen) {
  auto arguments = std::make_shared<PackArguments>();
  PackOptions& options = arguments->options;
  options.workers = static_cast<int>(allowed_cores().size());

  CLI::App* command = app.add_subcommand("pack", "Pack an image folder or an IDX pair into shards");
  command->footer(
      "SRC is a folder with one folder a class, SRC/<class>/<any depth>/<picture>, or the images file of an "
      "IDX\n"
      "pair (gzip or plain; the labels file lies beside it). What a file is, its content says, not its name: "
      "JPEG,\n"
      "PNG, WebP, BMP, TIFF and GIF are taken. Plain JPEGs are stored as they are, the rest as RGB without "
      "loss.\n"
      "DIR appears whole or not at all. While packing, the disk holds the pictures twice.\n\n"
      "  ft_pack pack photos/train --out packed/train\n"
      "  ft_pack pack train-images-idx3-ubyte.gz --out packed/fashion --classes 0,6 --limit-per-class 100");
  command->add_option("SRC", arguments->source, "What to pack")->required();
  command->add_option("--out", arguments->out, "The packed set to make: a new or an empty directory")
      ->type_name("DIR")
      ->required();
  CLI::Option* shards =
      command->add_option("--shards", options.shards, "How many shards; never more than images")
          ->type_name("N")
          ->check(CLI::Range(1, 99'999));
  command->add_option("--shard-mib", options.shard_mib, "About how large a shard is, in MiB")
      ->type_name("MIB")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str()
      ->excludes(shards);
  command
      ->add_option("--limit-per-class", options.limit_per_class, "Only the first N good pictures of a class")
      ->type_name("N")
      ->check(CLI::Range(std::uint64_t{1}, kMaxSamples));
  command->add_option("--classes", arguments->classes, "Only these classes (for IDX: names or numbers)")
      ->type_name("A,B,...")
      ->delimiter(',');
  command->add_option("--class-names", arguments->class_names, "For IDX: what to call the classes 0, 1, ...")
      ->type_name("A,B,...")
      ->delimiter(',');
  command
      ->add_option("--on-error", options.on_error,
                   "What a file that is no usable picture does: skip leaves it out and lists it, fail stops")
      ->type_name("skip|fail")
      ->transform(CLI::Transformer(
          std::map<std::string, OnError>{{"skip", OnError::kSkip}, {"fail", OnError::kFail}}))
      ->default_str("skip");
  command->add_option("--workers", options.workers, "Import threads; the result does not depend on it")
      ->type_name("N")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command->callback([arguments, &chosen] { chosen = [arguments] { run_pack(*arguments); }; });
}

}  // namespace ft
