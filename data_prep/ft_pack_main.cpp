// ft_pack: makes and inspects packed sets, alone or as the ranks of an MPI job. docs/shard_format.md
// describes what it writes.
#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <hdf5.h>

#include "ft/base/error.h"
#include "ft/base/host.h"
#include "ft/base/standard_output.h"
#include "ft/comm/agreement.h"
#include "ft/comm/backends.h"
#include "ft/comm/mpi_session.h"
#include "ft/data/shard_format.h"

#include "commands.h"
#include "interrupt.h"
#include "together.h"

namespace {

// Ranks wait for each other as long as rank 0 may take over what it does alone, such as listing SRC on a slow
// file system; whether one has died, the launcher finds out.
constexpr std::chrono::hours kLongestWait{24};

int report(ft::ExitCode code, const std::string& what, const std::string& hint = {}) {
  fmt::print(stderr, "ft_pack: error: {}{}\n", what, hint.empty() ? "" : fmt::format(" (hint: {})", hint));
  std::fflush(stderr);
  return static_cast<int>(code);
}

std::string version_text() {
  return fmt::format("ft_pack {}\nshard format {}\nHDF5 {}.{}.{}", FT_VERSION, ft::kShardFormatVersion,
                     H5_VERS_MAJOR, H5_VERS_MINOR, H5_VERS_RELEASE);
}

int run(int argc, char** argv, ft::Communicator& ranks) {
  CLI::App app("Packs pictures into sharded HDF5 for ft_dist, and inspects packed sets.", "ft_pack");
  app.set_version_flag("--version", version_text());
  app.footer(
      "ft_pack COMMAND --help says more.\n"
      "Exit codes: 0 done, 1 a bug, 2 wrong usage, 3 data missing, damaged or unwritable, 4 another rank\n"
      "failed, 75 stopped on request (the same command goes on).");
  ft::CollectiveCommand pack;
  ft::Command command;
  ft::add_pack_command(app, pack);
  ft::add_info_command(app, command);
  ft::add_verify_command(app, command);
  ft::add_extract_command(app, command);
  ft::add_duplicates_command(app, command);
  ft::add_sheet_command(app, command);
  const bool speaks = ranks.rank() == 0;
  try {
    app.parse(argc, argv);
    // Not by require_subcommand(): that complains before a misspelt name could be named.
    if (app.get_subcommands().empty()) throw CLI::RequiredError("A command");
    if (app.get_subcommands().size() > 1) throw CLI::ExtrasError({app.get_subcommands()[1]->get_name()});
  } catch (const CLI::Success& help_or_version) {
    return speaks ? app.exit(help_or_version) : 0;
  } catch (const CLI::ParseError& error) {
    if (!speaks) return static_cast<int>(ft::ExitCode::kUsage);
    return report(ft::ExitCode::kUsage, error.what(), "ft_pack --help, ft_pack COMMAND --help");
  } catch (ft::UsageError& error) {
    error.mark_known_to_all();  // every rank has the same command line
    throw;
  }
  if (pack) {
    pack(ranks);
  } else {
    ft::together(ranks, "running the command", [&] {
      if (speaks) command();
    });
  }
  if (speaks) ft::finish_standard_output();
  return static_cast<int>(ft::ExitCode::kDone);
}

// "rank 1 on n0: ", where there are several.
std::string rank_on_host(const ft::MpiSession& mpi) {
  return mpi.world_size() == 1 ? "" : fmt::format("rank {} on {}: ", mpi.rank(), ft::host_name());
}

// The communicator must be gone before MPI is.
int run_as_ranks(ft::MpiSession& mpi, int argc, char** argv) {
  const std::unique_ptr<ft::Communicator> ranks = ft::make_host_communicator(mpi);
  ranks->set_timeout(kLongestWait);
  return run(argc, argv, *ranks);
}

int run_and_report(ft::MpiSession& mpi, int argc, char** argv) {
  try {
    const int code = run_as_ranks(mpi, argc, argv);
    mpi.finalize();
    return code;
  } catch (const ft::Error& error) {
    const int code = static_cast<int>(error.code());
    const bool said_once = error.known_to_all() || mpi.world_size() == 1;
    if (!error.known_to_all() || mpi.rank() == 0) {
      report(error.code(), (said_once ? "" : rank_on_host(mpi)) + error.what(), error.hint());
    }
    if (said_once) {
      mpi.finalize();
    } else {
      mpi.abort(code);  // the others may be waiting for this rank
    }
    return code;
  } catch (const std::exception& error) {
    report(ft::ExitCode::kBug, rank_on_host(mpi) + error.what(), "this is a bug in ft_pack");
    mpi.abort(static_cast<int>(ft::ExitCode::kBug));
    return static_cast<int>(ft::ExitCode::kBug);
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    // MPI starts threads of its own: signals must wait in them too.
    std::optional<ft::DeferredInterrupt> held;
    if (ft::launcher_environment().launcher != "none") held.emplace();
    ft::MpiSession mpi(argc, argv);
    const int code = run_and_report(mpi, argc, argv);
    if (held) held->forget();
    return code;
  } catch (const ft::Error& error) {
    // Without MPI each process is a world of its own: who is the first, only the launcher knows.
    if (error.known_to_all() && ft::launcher_environment().rank != 0) return static_cast<int>(error.code());
    return report(error.code(), error.what(), error.hint());
  } catch (const std::exception& error) {
    return report(ft::ExitCode::kBug, error.what(), "this is a bug in ft_pack");
  }
}
