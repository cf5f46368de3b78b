#pragma once

#include <string>

namespace ft::app {

// "ft_dist 0.1.0 (commit, build 5c0f12ab34cd)" and a line for each library and for the instruction sets in
// use.
[[nodiscard]] std::string version_text();
// "0.1.0 (commit)": what a run records. Two builds with changes that are not committed have the same.
[[nodiscard]] std::string version_id();
// What must be the same on all ranks, a line each: this very build of ft_dist, the LibTorch that it has
// loaded, CUDA and NCCL.
[[nodiscard]] std::string program_facts();

}  // namespace ft::app
