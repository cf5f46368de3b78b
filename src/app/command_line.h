// What the user asked for.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace ft::app {

enum class Command { kTrain, kCheck, kEval, kReplay, kBenchData, kBenchStep, kBenchComm };

// "bench data"
[[nodiscard]] std::string name_of(Command command);

struct CommandLine {
  Command command = Command::kTrain;
  std::optional<std::filesystem::path> config;
  std::vector<std::string> overrides;  // "key=value"

  std::uint64_t step = 1;       // replay
  std::filesystem::path out;    // replay
  bool probe = false;           // check: a second on every link
  std::string weights;          // eval; empty: the run's final.safetensors
  std::string data;             // eval, bench data: a packed set instead of the config's
  double seconds = 10;          // bench
  std::uint64_t epochs = 0;     // bench data: passes over the set; 0: by seconds
  std::vector<int> threads;     // bench data: one measurement each; empty: 1, 2, 4, ... all cores
  double model_rate = 0;        // bench data: images/s that the model takes; 0: unknown
  bool synthetic = false;       // bench step: no data set
  std::uint64_t min_bytes = 4;  // bench comm
  std::uint64_t max_bytes = std::uint64_t{128} << 20U;  // bench comm
  std::string comm_type = "fp32";                       // bench comm: or bf16
  std::filesystem::path json;                           // bench: write the figures there, too
};

// Either a command, or text for stdout (--help, --version). UsageError for anything else.
struct Parsed {
  std::optional<CommandLine> command;
  std::string text;
};
[[nodiscard]] Parsed parse_command_line(int argc, const char* const* argv);

// Of a command line that may be wrong, and that nobody has looked at yet.
[[nodiscard]] Command command_asked_for(int argc, const char* const* argv);

}  // namespace ft::app
