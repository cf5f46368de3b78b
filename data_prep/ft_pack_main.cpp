// ft_pack: makes and inspects packed sets. docs/shard_format.md describes what it writes.
#include <cstdio>
#include <exception>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <hdf5.h>

#include "ft/base/error.h"
#include "ft/data/shard_format.h"

#include "commands.h"
#include "pack_pipeline.h"

namespace {

int report(ft::ExitCode code, const std::string& what, const std::string& hint = {}) {
  fmt::print(stderr, "ft_pack: error: {}{}\n", what, hint.empty() ? "" : fmt::format(" (hint: {})", hint));
  return static_cast<int>(code);
}

std::string version_text() {
  return fmt::format("ft_pack {}\nshard format {}\nHDF5 {}.{}.{}", FT_VERSION, ft::kShardFormatVersion,
                     H5_VERS_MAJOR, H5_VERS_MINOR, H5_VERS_RELEASE);
}

int run(int argc, char** argv) {
  CLI::App app("Packs pictures into sharded HDF5 for ft_dist, and inspects packed sets.", "ft_pack");
  app.require_subcommand(1);
  app.set_version_flag("--version", version_text());
  app.footer(
      "ft_pack COMMAND --help says more.\n"
      "Exit codes: 0 done, 1 a bug, 2 wrong usage, 3 data missing, damaged or unwritable.");
  ft::Command command;
  ft::add_pack_command(app, command);
  ft::add_info_command(app, command);
  ft::add_verify_command(app, command);
  ft::add_extract_command(app, command);
  ft::add_sheet_command(app, command);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help_or_version) {
    return app.exit(help_or_version);
  } catch (const CLI::ParseError& error) {
    return report(ft::ExitCode::kUsage, error.what(), "ft_pack --help, ft_pack COMMAND --help");
  }
  command();
  return static_cast<int>(ft::ExitCode::kDone);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const ft::Error& error) {
    return report(error.code(), error.what(), error.hint());
  } catch (const std::exception& error) {
    return report(ft::ExitCode::kBug, error.what(), "this is a bug in ft_pack");
  }
}
