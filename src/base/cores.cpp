#include "ft/base/cores.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <system_error>
#include <thread>

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

namespace ft {

std::vector<int> allowed_cores() {
  // The static cpu_set_t ends at 1024 processors; larger machines make the call fail and get the plain count.
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cores;
  if (::sched_getaffinity(0, sizeof(set), &set) == 0) {
    for (int core = 0; core < CPU_SETSIZE; ++core) {
      if (CPU_ISSET(core, &set)) cores.push_back(core);
    }
  }
  if (cores.empty()) {
    const int count = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
    for (int core = 0; core < count; ++core) cores.push_back(core);
  }
  return cores;
}

std::string format_core_list(const std::vector<int>& cores) {
  std::string text;
  for (std::size_t first = 0; first < cores.size();) {
    std::size_t last = first;
    while (last + 1 < cores.size() && cores[last + 1] == cores[last] + 1) ++last;
    if (!text.empty()) text += ',';
    text += first == last ? fmt::format("{}", cores[first]) : fmt::format("{}-{}", cores[first], cores[last]);
    first = last + 1;
  }
  return text;
}

std::vector<int> parse_core_list(std::string_view text) {
  std::vector<int> cores;
  const char* next = text.data();
  const char* const end = next + text.size();
  while (next < end) {
    int first = 0;
    auto parsed = std::from_chars(next, end, first);
    if (parsed.ec != std::errc()) break;
    int last = first;
    if (parsed.ptr < end && *parsed.ptr == '-') parsed = std::from_chars(parsed.ptr + 1, end, last);
    for (int core = first; core <= last; ++core) cores.push_back(core);
    next = parsed.ptr + 1;  // past the comma
  }
  return cores;
}

std::vector<int> numa_nodes(const std::vector<int>& cores, const std::filesystem::path& root) {
  std::vector<int> nodes;
  std::error_code missing;
  for (const auto& entry : std::filesystem::directory_iterator(root, missing)) {
    const std::string name = entry.path().filename();
    int node = 0;
    if (!name.starts_with("node") ||
        std::from_chars(name.data() + 4, name.data() + name.size(), node).ec != std::errc()) {
      continue;
    }
    std::ifstream file(entry.path() / "cpulist");
    std::string list;
    std::getline(file, list);
    const std::vector<int> here = parse_core_list(list);
    if (std::ranges::find_first_of(cores, here) != cores.end()) nodes.push_back(node);
  }
  std::ranges::sort(nodes);
  return nodes;
}

int core_budget(const std::vector<int>& mine, const std::vector<std::vector<int>>& all) {
  double share = 0;
  for (const int core : mine) {
    const auto users = std::count_if(all.begin(), all.end(), [core](const std::vector<int>& mask) {
      return std::find(mask.begin(), mask.end(), core) != mask.end();
    });
    share += 1.0 / static_cast<double>(std::max<std::ptrdiff_t>(users, 1));
  }
  // Sums of thirds fall just short of the whole.
  return std::max(1, static_cast<int>(share + 1e-9));
}

}  // namespace ft
