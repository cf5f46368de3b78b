#include <memory>
#include <string>

#include <fmt/format.h>

#include "ft/base/error.h"
#include "ft/report/table.h"

#include "commands.h"
#include "pack_report.h"
#include "verify.h"

namespace ft {
namespace {

void run_verify(const std::string& directory) {
  const VerifyResult result = verify(directory);
  for (const std::string& line : result.damage) fmt::print("{}\n", line);
  if (!result.damage.empty()) {
    throw DataError(fmt::format("{} is damaged ({})", directory, count_of(result.damage.size(), "problem")),
                    "restore the files named above, or pack the data again");
  }
  fmt::print("{}: {}, {}, {}: every hash matches\n", directory, count_of(result.shards, "shard"),
             count_of(result.samples, "image"), format_bytes(result.bytes));
}

}  // namespace

void add_verify_command(CLI::App& app, Command& chosen) {
  auto directory = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("verify", "Recompute every hash of a packed set");
  command->add_option("DIR", *directory, "A packed set")->required();
  command->callback([directory, &chosen] { chosen = [directory] { run_verify(*directory); }; });
}

}  // namespace ft
