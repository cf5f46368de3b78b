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
  std::string on_error = "skip";
  std::string encoding = "original";
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

// "--classes a,b": one argument, so that SRC may follow.
void add_list(CLI::App& command, const char* name, std::vector<std::string>& values, const char* help) {
  command.add_option(name, values, help)->type_name("A,B")->delimiter(',')->allow_extra_args(false);
}

// What goes in.
void add_input_options(CLI::App& command, PackArguments& arguments) {
  command.add_option("SRC", arguments.source, "What to pack")->required();
  command
      .add_option("--limit-per-class", arguments.options.limit_per_class,
                  "Only the first N good pictures of a class")
      ->type_name("N")
      ->check(CLI::Range(std::uint64_t{1}, kMaxSamples));
  add_list(command, "--classes", arguments.classes, "Only these classes (for IDX: names or numbers)");
  add_list(command, "--class-names", arguments.class_names, "For IDX: what to call the classes 0, 1, ...");
  command
      .add_option("--on-error", arguments.on_error,
                  "What a file that is no usable picture does: skip leaves it out and lists it, fail stops")
      ->type_name("HOW")
      ->check(CLI::IsMember({"skip", "fail"}))
      ->capture_default_str();
}

// What comes out.
void add_output_options(CLI::App& command, PackArguments& arguments) {
  PackOptions& options = arguments.options;
  command.add_option("--out", arguments.out, "The packed set to make: a new or an empty directory")
      ->type_name("DIR")
      ->required();
  CLI::Option* shards =
      command.add_option("--shards", options.shards, "How many shards; never more than images")
          ->type_name("N")
          ->check(CLI::Range(1, 99'999));
  command.add_option("--shard-mib", options.shard_mib, "About how large a shard is, in MiB")
      ->type_name("MIB")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str()
      ->excludes(shards);
  command.add_option("--workers", options.workers, "Import threads; the result does not depend on it")
      ->type_name("N")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
}

// In which form pictures are stored.
void add_encoding_options(CLI::App& command, PackArguments& arguments) {
  EncodingOptions& encoding = arguments.options.encoding;
  command
      .add_option("--encoding", arguments.encoding,
                  "original keeps JPEGs as found and the rest without loss; raw stores decoded pixels, which "
                  "take more room and less work")
      ->type_name("HOW")
      ->check(CLI::IsMember({"original", "raw"}))
      ->capture_default_str();
  command
      .add_option("--max-side", encoding.max_side,
                  "With --encoding raw: resample pictures whose longer side has more pixels, as Pillow would")
      ->type_name("PIXELS")
      ->check(CLI::Range(1, 65535));
  command.add_flag("--restart-index", encoding.restart_index,
                   "Give plain JPEGs restart markers, without loss, so that training can decode only what a "
                   "crop needs");
}

void take_encoding(const PackArguments& arguments, EncodingOptions& encoding) {
  encoding.encoding = arguments.encoding == "raw" ? Encoding::kRaw : Encoding::kOriginal;
  if (encoding.encoding == Encoding::kRaw && encoding.restart_index) {
    throw UsageError("--restart-index is for JPEGs: --encoding raw stores none");
  }
  if (encoding.encoding != Encoding::kRaw && encoding.max_side != 0) {
    throw UsageError("--max-side resamples pictures, which only --encoding raw does");
  }
}

constexpr const char* kFooter =
    R"(SRC is a folder with one folder a class, SRC/<class>/<any depth>/<picture>, or the images file
of an IDX pair (gzip or plain; the labels file lies beside it). What a file is, its content says,
not its name: JPEG, PNG, WebP, BMP, TIFF and GIF are taken. Plain JPEGs are stored as they are,
the rest as RGB without loss, unless --encoding or --restart-index say otherwise. DIR appears whole or not at all. While packing, the disk holds the
pictures twice.

  ft_pack pack photos/train --out packed/train
  ft_pack pack train-images-idx3-ubyte.gz --out packed/fashion --classes 0,6 --limit-per-class 100)";

}  // namespace

void add_pack_command(CLI::App& app, Command& chosen) {
  auto arguments = std::make_shared<PackArguments>();
  arguments->options.workers = static_cast<int>(allowed_cores().size());
  CLI::App* command = app.add_subcommand("pack", "Pack an image folder or an IDX pair into shards");
  command->footer(kFooter);
  add_input_options(*command, *arguments);
  add_output_options(*command, *arguments);
  add_encoding_options(*command, *arguments);
  command->callback([arguments, &chosen] {
    take_encoding(*arguments, arguments->options.encoding);
    arguments->options.on_error = arguments->on_error == "fail" ? OnError::kFail : OnError::kSkip;
    chosen = [arguments] { run_pack(*arguments); };
  });
}

}  // namespace ft
