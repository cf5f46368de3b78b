#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "ft/base/cores.h"
#include "ft/base/error.h"
#include "ft/comm/launcher.h"

#include "commands.h"
#include "idx.h"
#include "image_folder.h"
#include "interrupt.h"
#include "option_checks.h"
#include "pack_pipeline.h"
#include "pack_report.h"
#include "together.h"
#include "working_directory.h"

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

// Rank 0 looks; the others take over what it has found, so that all see one list, and see it at once.
std::unique_ptr<InputSet> open_input(const PackArguments& arguments, Communicator& ranks) {
  const bool is_root = ranks.rank() == 0;
  std::unique_ptr<InputSet> input;
  together(ranks, "reading SRC", [&] {
    if (is_root) input = open_input(arguments);
  });
  if (ranks.world_size() == 1) return input;
  const std::string listing = from_root(ranks, is_root ? input->listing() : "", "sharing the list of SRC");
  together(ranks, "reading SRC", [&] {
    if (is_root) return;
    if (listing.empty()) {
      input = open_input(arguments);
    } else {
      input = std::make_unique<ImageFolder>(arguments.source, ImageFolder::Listing(listing));
    }
  });
  return input;
}

// A set inside SRC would be packed by the next pack.
void refuse_out_inside_source(const PackArguments& arguments) {
  std::error_code error;
  const fs::path source = fs::canonical(arguments.source, error);
  if (error) return;  // said better by whoever reads it
  const fs::path out = fs::weakly_canonical(fs::absolute(arguments.out), error);
  const auto [end, ignored] = std::mismatch(source.begin(), source.end(), out.begin(), out.end());
  if (!error && end == source.end()) {
    throw UsageError(fmt::format("--out {} is inside {}", arguments.out, arguments.source),
                     "choose a directory beside it");
  }
  const fs::path working = working_path(out);
  if (std::mismatch(working.begin(), working.end(), source.begin(), source.end()).first == working.end()) {
    throw UsageError(fmt::format("{} lies where pictures wait while they are packed to --out {}",
                                 arguments.source, arguments.out),
                     "choose another --out");
  }
}

void pack_and_report(const PackArguments& arguments, Communicator& ranks,
                     const DeferredInterrupt& interrupt) {
  const auto start = std::chrono::steady_clock::now();
  together(ranks, "reading the command line", [&] { refuse_out_inside_source(arguments); });
  const std::unique_ptr<InputSet> input = open_input(arguments, ranks);
  const PackResult result =
      pack(*input, arguments.out, arguments.options, ranks, [&interrupt] { return interrupt.requested(); });
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  if (ranks.rank() != 0) return;
  fmt::print("{}", pack_report(result, arguments.out, seconds.count()));
  if (result.overlap) {
    fmt::print("{}", overlap_text(*result.overlap, arguments.out, arguments.options.against.string()));
  }
}

void run_pack(const PackArguments& arguments, Communicator& ranks) {
  try {
    DeferredInterrupt interrupt;
    try {
      return pack_and_report(arguments, ranks, interrupt);
    } catch (const Interrupted&) {
      // A process on its own ends by the signal, as everyone expects; what a launcher has started ends with a
      // code, as ranks do together, since the signal may have come to one of them only.
      const bool on_its_own = launcher_environment().launcher == "none";
      if (on_its_own && !interrupt.requested_by_usr1()) throw;
      interrupt.forget();
      Error stopped(ExitCode::kStopped, fmt::format("stopped on request: {} is not made yet", arguments.out),
                    "the same command goes on");
      stopped.mark_known_to_all();
      throw stopped;
    }
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
      ->check(not_empty())
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
  command.add_flag("--fresh", options.fresh,
                   "Begin anew, whatever an interrupted pack has left in DIR.packing");
  command
      .add_option("--workers", options.workers,
                  "Import threads of each rank; the result does not depend on it")
      ->type_name("N")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
}

void add_check_options(CLI::App& command, PackArguments& arguments) {
  command
      .add_option("--against", arguments.options.against,
                  "Another packed set, for example the one to test on: warn of pictures that are in both")
      ->type_name("OTHER");
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
not its name: JPEG, PNG, WebP, BMP, TIFF and GIF are taken, and decoded to the last row. Plain
JPEGs are stored as they are, the rest as RGB without loss, unless --encoding or --restart-index
say otherwise. Pictures that are there twice are reported, also when one is smaller, recompressed
or mirrored.

DIR appears whole or not at all. Until then the pictures wait in DIR.packing, and the disk may hold
them twice. The same command goes on where an interrupted one was. mpirun -np N ft_pack pack ...
shares the work, on one machine or on several that see the same files, and makes the same bytes.

  ft_pack pack photos/train --out packed/train
  ft_pack pack photos/test --out packed/test --against packed/train
  ft_pack pack train-images-idx3-ubyte.gz --out packed/fashion --classes 0,6 --limit-per-class 100)";

}  // namespace

void add_pack_command(CLI::App& app, CollectiveCommand& chosen) {
  auto arguments = std::make_shared<PackArguments>();
  arguments->options.workers = static_cast<int>(allowed_cores().size());
  CLI::App* command = app.add_subcommand("pack", "Pack an image folder or an IDX pair into shards");
  command->footer(kFooter);
  add_input_options(*command, *arguments);
  add_output_options(*command, *arguments);
  add_encoding_options(*command, *arguments);
  add_check_options(*command, *arguments);
  command->callback([arguments, &chosen] {
    take_encoding(*arguments, arguments->options.encoding);
    arguments->options.on_error = arguments->on_error == "fail" ? OnError::kFail : OnError::kSkip;
    chosen = [arguments](Communicator& ranks) { run_pack(*arguments, ranks); };
  });
}

}  // namespace ft
