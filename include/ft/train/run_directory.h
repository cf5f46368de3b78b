// The layout of a run's directory, and whose it is. docs/architecture.md has the list of files.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace ft {

// The first line of the config.yaml in a run's directory: what tells it from a user's own file of that name.
inline constexpr const char* kResolvedConfigHeader =
    "# The resolved config of this run, written by ft_dist.\n";

class RunDirectory {
 public:
  explicit RunDirectory(std::filesystem::path root) : root_(std::move(root)) {}

  [[nodiscard]] const std::filesystem::path& root() const noexcept { return root_; }
  [[nodiscard]] std::filesystem::path config() const { return root_ / "config.yaml"; }
  [[nodiscard]] std::filesystem::path metrics() const { return root_ / "metrics.jsonl"; }
  [[nodiscard]] std::filesystem::path tensorboard() const { return root_ / "tensorboard"; }
  [[nodiscard]] std::filesystem::path logs() const { return root_ / "logs"; }
  [[nodiscard]] std::filesystem::path checkpoints() const { return root_ / "checkpoints"; }
  [[nodiscard]] std::filesystem::path final_weights() const { return root_ / "final.safetensors"; }
  [[nodiscard]] std::filesystem::path best_weights() const { return root_ / "best.safetensors"; }
  [[nodiscard]] std::filesystem::path stop_file() const { return root_ / "STOP"; }
  [[nodiscard]] std::filesystem::path rank_log(int rank) const;

  // Names in it that no run of ours makes. Empty for a run's directory, an empty one, or none at all.
  [[nodiscard]] std::vector<std::string> foreign_entries() const;
  // Has a run begun here?
  [[nodiscard]] bool holds_run() const;
  // Makes the directory and its logs/ and checkpoints/. Throws DataError.
  void create() const;

 private:
  std::filesystem::path root_;
};

}  // namespace ft
