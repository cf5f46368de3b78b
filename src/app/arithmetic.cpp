#include "arithmetic.h"

#include <ATen/Version.h>
#include <ATen/cpu/Utils.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/torch.h>
#include <torch/version.h>

namespace ft::app {
namespace {

using nlohmann::ordered_json;

// "cpu AMD EPYC"; "cuda NVIDIA H100", without which of them: "cuda:1 NVIDIA H100 (GPU-uuid)" is this rank's.
std::string kind_of_device(const RankContext& context) {
  if (context.device.is_cpu()) {
    const auto capabilities = at::cpu::get_cpu_capabilities();
    const auto name = capabilities.find("cpu_name");
    return name == capabilities.end() ? "cpu" : "cpu " + name->second.toStringRef();
  }
  const std::string& description = context.place().device;
  const std::size_t begin = description.find(' ');
  if (begin == std::string::npos) return "cuda";
  return "cuda" + description.substr(begin, description.rfind(" (") - begin);
}

// torch's own choice, and what oneDNN's convolutions choose by.
std::string instruction_set() {
  std::string text = at::get_cpu_capability();
  const auto capabilities = at::cpu::get_cpu_capabilities();
  for (const char* name : {"avx_vnni", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_bf16"}) {
    const auto found = capabilities.find(name);
    if (found != capabilities.end() && found->second.toBool()) text += fmt::format(" {}", name);
  }
  return text;
}

std::string text_of(const ordered_json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

}  // namespace

ordered_json arithmetic_facts(const RankContext& context) {
  return {{"device", kind_of_device(context)},
          {"instruction_set", instruction_set()},
          {"libtorch", TORCH_VERSION},
          {"threads", context.threads.compute}};
}

std::vector<std::string> arithmetic_differences(const ordered_json& saved, const ordered_json& current) {
  std::vector<std::string> differences;
  for (const auto& [name, here] : current.items()) {
    const auto there = saved.find(name);
    if (there == saved.end() || *there == here) continue;
    differences.push_back(fmt::format("{} {} there, {} here", name, text_of(*there), text_of(here)));
  }
  return differences;
}

std::vector<std::string> arithmetic_warnings(const RankContext& context,
                                             const std::optional<Checkpoint>& checkpoint) {
  const ordered_json mine = arithmetic_facts(context);
  const auto all = context.host->all_gather(mine.dump(), "what decides the last digits");
  std::vector<std::string> warnings;
  if (!context.is_root()) return warnings;
  for (std::size_t rank = 1; rank < all.size(); ++rank) {
    const auto differences = arithmetic_differences(ordered_json::parse(all[rank]), mine);
    if (differences.empty()) continue;
    warnings.push_back(fmt::format(
        "dist.elastic: rank {} differs from rank 0 ({}): the weights' last digits depend on who runs what",
        rank, fmt::join(differences, "; ")));
    break;
  }
  if (!checkpoint) return warnings;
  const ordered_json saved = checkpoint->facts.value("arithmetic", ordered_json());
  if (!saved.is_object()) return warnings;
  const auto differences = arithmetic_differences(saved, mine);
  if (differences.empty()) return warnings;
  warnings.push_back(fmt::format(
      "dist.elastic: not the checkpoint's {}: from here on the weights' last digits may differ from those of "
      "a run that was not interrupted",
      fmt::join(differences, "; ")));
  return warnings;
}

}  // namespace ft::app
