#include "ft/model/pretrained.h"

#include "ft/base/hash.h"
#include "ft/model/state_dict.h"

#include "source_check.h"
#include "source_head.h"
#include "weights_location.h"

namespace ft {
namespace {

// Into the model's own type: sources may be stored as bf16, fp16 or fp64.
void copy_body(const TensorFile& file, std::vector<NamedTensor>& model) {
  for (NamedTensor& entry : model) {
    if (entry.name.starts_with(kHeadPrefix)) continue;
    if (const TensorRecord* record = file.find(entry.name)) entry.tensor.copy_(to_torch(*record));
  }
}

void copy_head_rows(ResNet& model, const SourceHead& head, const std::vector<RowCopy>& copies) {
  if (copies.empty()) return;
  const torch::Tensor weight = to_torch(*head.weight);
  const torch::Tensor bias = to_torch(*head.bias);
  for (const RowCopy& copy : copies) {
    model->fc->weight[copy.to].copy_(weight[copy.from]);
    model->fc->bias[copy.to].copy_(bias[copy.from]);
  }
}

}  // namespace

PretrainedReport load_pretrained(ResNet& model, const ModelConfig& config,
                                 const std::vector<std::string>& classes, std::uint64_t seed) {
  const torch::NoGradGuard no_grad;
  const TensorFile file = read_tensor_file(locate_weights(config.weights));
  std::vector<NamedTensor> entries = state_dict(*model);
  check_source(file, entries, config.arch);
  const SourceHead head = find_source_head(file);

  PretrainedReport report;
  report.file = file.path;
  report.fingerprint = xxh3_128_of_file(file.path);
  report.source_head_rows = head.rows;
  report.source_classes = source_class_names(file, head.rows);
  const auto copies = resolve_head_rows(config.head_init, classes, report.source_classes, head.rows);

  copy_body(file, entries);
  report.head_copied = config.head_init.empty() && head.rows > 0 && report.source_classes == classes;
  if (report.head_copied) {
    model->fc->weight.copy_(to_torch(*head.weight));
    model->fc->bias.copy_(to_torch(*head.bias));
    return report;
  }
  init_head(model, seed);
  copy_head_rows(model, head, copies);
  for (const RowCopy& copy : copies) report.rows_copied.push_back(copy.description);
  return report;
}

}  // namespace ft
