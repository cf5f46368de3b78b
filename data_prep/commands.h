// The commands of ft_pack. Each adds itself to the command line and runs when it was the one that was given.
#pragma once

#include <functional>

#include <CLI/CLI.hpp>

namespace ft {

// Runs the chosen command; throws ft::Error.
using Command = std::function<void()>;

// Each declares its options and, when chosen, sets `chosen`.
void add_pack_command(CLI::App& app, Command& chosen);
void add_info_command(CLI::App& app, Command& chosen);
void add_verify_command(CLI::App& app, Command& chosen);
void add_extract_command(CLI::App& app, Command& chosen);
void add_sheet_command(CLI::App& app, Command& chosen);

}  // namespace ft
