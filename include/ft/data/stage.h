// `data.stage`: copies of packed sets on storage of the node's own (/dev/shm, a local disk), made once and
// used again by later runs. A copy lies in a directory named by the set's fingerprint; each shard appears
// there when its bytes have the hash that the manifest records, the manifest last.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace ft {

// "$TMPDIR/ft" or "${TMPDIR}/ft" -> "/scratch/job17/ft", by this process's environment. UsageError: a
// variable that is not set, or a result that is not an absolute path.
[[nodiscard]] std::filesystem::path expand_variables(const std::string& text);

// Where a set's copy lies.
[[nodiscard]] std::filesystem::path staged_path(const std::filesystem::path& set,
                                                const std::filesystem::path& root);

struct StageOutcome {
  std::vector<std::filesystem::path> copies;  // one a set, in order
  std::uint64_t bytes_copied = 0;
  std::uint64_t bytes_reused = 0;  // were there, and verify
};

// Called now and then with bytes done (copied, or found and verified) and bytes in all.
using StageProgress = std::function<void(std::uint64_t done, std::uint64_t total)>;

// Brings copies of `sets` to `root`, which is made if need be. One process of a node is enough; others, also
// of other jobs, wait for it at a lock. What is there is verified by its hash, what is missing or damaged is
// copied. DataError, before anything is copied, when there is no room, with the bytes needed and free; when
// a shard's bytes are not what its manifest says; when files cannot be read or written.
[[nodiscard]] StageOutcome stage_sets(const std::vector<std::filesystem::path>& sets,
                                      const std::filesystem::path& root, const StageProgress& progress);

}  // namespace ft
