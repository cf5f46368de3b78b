#include "command_line.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "ft/base/error.h"
#include "ft/config/schema.h"

#include "version.h"

namespace ft::app {
namespace {

constexpr const char* kExitCodes =
    "Exit codes: 0 done, 1 bug, 2 usage or config, 3 data, 4 a peer or the network failed, 5 training "
    "diverged,\n"
    "75 stopped on request with the state saved (the same command goes on), 128 + N ended by signal N.\n";

std::string keys_help() {
  std::string text = "Config keys (docs/config.md says more):\n";
  for (const KeySpec& key : config_schema()) {
    text += fmt::format("  {:<26} {} [{}]\n      {}\n", key.name, key.type, key.default_text, key.help);
  }
  return text;
}

void add_config_options(CLI::App& app, CommandLine& line) {
  app.add_option("--config", line.config, "YAML file (docs/config.md)")->type_name("FILE");
  app.add_option("--set", line.overrides, "override one key; may be given again")->type_name("KEY=VALUE");
  app.set_version_flag("--version", version_text);
}

void add_bench_data_options(CLI::App& app, CommandLine& line) {
  app.add_option("--epochs", line.epochs, "whole passes over the set instead of seconds")
      ->check(CLI::Range(1, 1'000'000))
      ->type_name("N")
      ->excludes(app.get_option("--seconds"));
  app.add_option("--threads", line.threads,
                 "loader threads, one measurement each (default: 1, 2, 4, ... all cores)")
      ->check(CLI::Range(1, 1024))
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("N,M");
  app.add_option("--model-rate", line.model_rate, "images/s that the model takes: says whether data keeps up")
      ->check(CLI::Range(1e-3, 1e9))
      ->type_name("R");
}

void add_bench_comm(CLI::App& bench, CommandLine& line) {
  CLI::App* comm = bench.add_subcommand(
      "comm", "time and bandwidth of an all-reduce by size, beside MPI_Allreduce; needs no config");
  add_config_options(*comm, line);
  const auto size = [&](const char* name, std::uint64_t& bytes, const char* help) {
    comm->add_option(name, bytes, help)
        ->transform(CLI::AsSizeValue(false))
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{4} << 30U))
        ->type_name("BYTES");
  };
  size("--min", line.min_bytes, "smallest size [4]");
  size("--max", line.max_bytes, "largest size, with K, M or G of 1024 [128M]");
  comm->add_option("--type", line.comm_type,
                   "what travels: fp32, or bf16 for float32 that is rounded on its way")
      ->check(CLI::IsMember({"fp32", "bf16"}))
      ->capture_default_str();
  comm->add_option("--seconds", line.seconds, "how long to measure, all sizes together, each at least once")
      ->check(CLI::Range(0.1, 1e6))
      ->capture_default_str()
      ->type_name("S");
  comm->add_option("--json", line.json, "write the figures there, too")->type_name("FILE");
}

void add_bench(CLI::App& app, CommandLine& line) {
  CLI::App* bench = app.add_subcommand(
      "bench", "measure: data (the loader alone), step (a training step) or comm (the all-reduce)");
  add_bench_comm(*bench, line);
  for (const char* name : {"data", "step"}) {
    CLI::App* what =
        bench->add_subcommand(name, std::string(name) == "data" ? "images/s of the loader, by stage"
                                                                : "seconds of a training step, by part");
    add_config_options(*what, line);
    what->add_option("--data", line.data, "packed set (default: data.train)")->type_name("DIR");
    what->add_option("--seconds", line.seconds, "how long to measure")
        ->check(CLI::Range(0.1, 1e6))
        ->capture_default_str()
        ->type_name("S");
    what->add_option("--json", line.json, "write the figures there, too")->type_name("FILE");
    if (std::string(name) == "data") add_bench_data_options(*what, line);
    if (std::string(name) == "step")
      what->add_flag("--synthetic", line.synthetic, "random images, no data set");
  }
}

void add_commands(CLI::App& app, CommandLine& line) {
  CLI::App* train = app.add_subcommand(
      "train", "train, or go on where the run directory's last checkpoint ends (the default)");
  add_config_options(*train, line);
  CLI::App* check = app.add_subcommand(
      "check",
      "preflight: launcher, ranks, hosts, devices, cores; with --config or data.train also data and weights");
  add_config_options(*check, line);
  check->add_flag("--probe", line.probe,
                  "measure for a second: bandwidth and latency of every link, the slowest named");
  CLI::App* eval = app.add_subcommand("eval", "evaluate weights on data.test");
  add_config_options(*eval, line);
  eval->add_option("--weights", line.weights,
                   "weights file or run directory (default: final.safetensors of run.dir)")
      ->type_name("FILE");
  eval->add_option("--data", line.data, "packed set (default: data.test)")->type_name("DIR");
  CLI::App* replay = app.add_subcommand("replay", "write the batch of one step: images, labels, sample_ids");
  add_config_options(*replay, line);
  replay->add_option("--step", line.step, "step number, from 1")
      ->required()
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 53U))
      ->type_name("S");
  replay->add_option("--out", line.out, "safetensors file to write")->required()->type_name("FILE");
  add_bench(app, line);
}

// Not by require_subcommand(): that complains before a misspelt name could be named.
void require_command(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  if (chosen.empty()) throw CLI::RequiredError("A command");
  if (chosen[0]->get_name() == "bench" && chosen[0]->get_subcommands().empty()) {
    throw CLI::RequiredError("bench: data, step or comm");
  }
}

Command chosen(const CLI::App& app) {
  if (app.got_subcommand("check")) return Command::kCheck;
  if (app.got_subcommand("eval")) return Command::kEval;
  if (app.got_subcommand("replay")) return Command::kReplay;
  if (app.got_subcommand("bench")) {
    const CLI::App* bench = app.get_subcommand("bench");
    if (bench->got_subcommand("comm")) return Command::kBenchComm;
    return bench->got_subcommand("data") ? Command::kBenchData : Command::kBenchStep;
  }
  return Command::kTrain;
}

// Options write into `line`.
struct Parser {
  Parser() {
    app.set_version_flag("--version", version_text);
    app.footer(keys_help() + "\n" + kExitCodes);
    add_commands(app, line);
  }

  CommandLine line;
  CLI::App app{
      "ft_dist: fine-tunes an image classifier on as many nodes as you have.\n"
      "  mpirun -np 8 ft_dist --config configs/hotdog.yaml",
      "ft_dist"};
};

// CLI11 takes the arguments without the program's name, last first. `train` is understood.
std::vector<std::string> arguments_reversed(int argc, const char* const* argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  const bool own_option =
      !arguments.empty() && (arguments[0] == "--help" || arguments[0] == "-h" ||
                             arguments[0] == "--version" || !arguments[0].starts_with("-"));
  if (!arguments.empty() && !own_option) arguments.insert(arguments.begin(), "train");
  return {arguments.rbegin(), arguments.rend()};
}

}  // namespace

std::string name_of(Command command) {
  switch (command) {
    case Command::kTrain:
      return "train";
    case Command::kCheck:
      return "check";
    case Command::kEval:
      return "eval";
    case Command::kReplay:
      return "replay";
    case Command::kBenchData:
      return "bench data";
    case Command::kBenchStep:
      return "bench step";
    case Command::kBenchComm:
      return "bench comm";
  }
  return {};
}

Parsed parse_command_line(int argc, const char* const* argv) {
  Parser parser;
  try {
    parser.app.parse(arguments_reversed(argc, argv));
    require_command(parser.app);
  } catch (const CLI::CallForHelp&) {
    return {std::nullopt, parser.app.help()};
  } catch (const CLI::CallForVersion&) {
    return {std::nullopt, version_text() + "\n"};
  } catch (const CLI::ParseError& error) {
    throw UsageError(error.what(), "ft_dist --help lists every command and option");
  }
  parser.line.command = chosen(parser.app);
  return {parser.line, {}};
}

Command command_asked_for(int argc, const char* const* argv) {
  Parser parser;
  try {
    parser.app.parse(arguments_reversed(argc, argv));
  } catch (const CLI::ParseError&) {
    // Commands come to light before what is wrong with their options does.
  }
  return chosen(parser.app);
}

}  // namespace ft::app
