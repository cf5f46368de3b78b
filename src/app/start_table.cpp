#include "start_table.h"

#include <cstdio>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ft/base/cores.h"
#include "ft/config/schema.h"
#include "ft/report/table.h"
#include "ft/train/image_shares.h"

#include "preflight_report.h"

namespace ft::app {
namespace {

void print(const std::string& text) {
  std::fputs(text.c_str(), stderr);
}

void add_set(Table& table, const std::string& name, const PackedSet& set, std::size_t used) {
  std::vector<std::string> classes;
  for (std::size_t i = 0; i < set.classes().size() && i < 8; ++i) {
    classes.push_back(fmt::format("{} {}", set.classes()[i], set.manifest().counts[i]));
  }
  const std::string more =
      set.classes().size() > 8 ? fmt::format(" and {} more", set.classes().size() - 8) : "";
  table.add_row({name, fmt::format("{}", used), fmt::format("{}{}", fmt::join(classes, ", "), more),
                 set.directory().string()});
}

std::string describe_model(const Session& session, const PreparedModel& model) {
  const ModelConfig& config = session.config.model;
  std::string text =
      fmt::format("{}: {} parameters, {} trained", config.arch, model.parameters, model.trainable);
  if (!config.freeze.empty()) text += fmt::format(", frozen {}", fmt::join(config.freeze, " "));
  if (!model.source) return text;
  text += fmt::format("\n  weights {}", model.source->file.string());
  if (model.source->head_copied) {
    text += ", head copied (same classes)";
  } else if (model.source->rows_copied.empty()) {
    text += fmt::format(", new head (the source's has {} rows)", model.source->source_head_rows);
  } else {
    text += fmt::format(", head rows {}", fmt::join(model.source->rows_copied, ", "));
  }
  return text;
}

// What `auto` became; empty for a key that was set.
std::string chosen_for(const Session& session, const std::string& key, const std::string& value) {
  if (value != "auto") return {};
  if (key == "run.device") return session.context.device.is_cuda() ? "cuda" : "cpu";
  if (key == "data.workers") return fmt::format("{}", session.context.threads.workers);
  if (key == "data.resize") return fmt::format("{}", transform_options(session.config.data).resize);
  if (key == "train.threads") return fmt::format("{}", session.context.threads.compute);
  if (key == "dist.backend") return std::string(session.context.gradients->backend());
  return {};
}

}  // namespace

void print_settings(const Session& session) {
  const Config defaults;
  std::string text = "settings (* differs from the default)\n";
  for (const KeySpec& key : config_schema()) {
    const std::string value = key.format(session.config);
    const std::string chosen = chosen_for(session, key.name, value);
    text += fmt::format("{} {:<24} {}{}\n", value == key.format(defaults) ? ' ' : '*', key.name, value,
                        chosen.empty() ? "" : ": " + chosen);
  }
  print(text);
}

void print_ranks(const Session& session) {
  if (!session.context.is_root()) return;
  Table table({"rank", "host", "device", "cores", "NUMA", "budget"});
  for (const RankPlace& place : session.context.places) {
    table.add_row({fmt::format("{}", place.rank), place.host, place.device, format_core_list(place.cores),
                   place.numa.empty() ? "-" : format_core_list(place.numa),
                   fmt::format("{}", place.core_budget)});
  }
  const ThreadBudget& threads = session.context.threads;
  print(fmt::format("ranks ({}; {} compute and {} loader threads each)\n{}{}",
                    session.context.gradients->backend(), threads.compute, threads.workers, table.to_string(),
                    session.links.empty() ? "" : "  " + session.links + "\n"));
  for (const std::string& warning : session.warnings) session.log->warn("{}", warning);
}

void warn_of_shares(Session& session, std::uint64_t samples) {
  for (std::string& warning : share_warnings(session.config, samples, session.context.world_size())) {
    if (session.context.is_root()) session.log->warn("{}", warning);
    session.warnings.push_back(std::move(warning));
  }
}

void print_data(const Session& session, const RunPlan& plan) {
  if (!session.context.is_root()) return;
  Table table({"data", "samples", "classes", "directory"});
  add_set(table, "train", *plan.train, plan.steps.samples());
  if (plan.val)
    add_set(table, "val", *plan.val, plan.val_ids.empty() ? plan.val->size() : plan.val_ids.size());
  if (plan.test) add_set(table, "test", *plan.test, plan.test->size());
  print(table.to_string(0));
}

void print_start_table(const Session& session, const RunPlan& plan, const PreparedModel& model,
                       const RunStart& start) {
  if (!session.context.is_root()) return;
  print_settings(session);
  print_ranks(session);
  print_data(session, plan);
  print("model\n  " + describe_model(session, model) + "\n");
  print(fmt::format(
      "steps\n  {} of {} images an epoch, {} in all{}\n", plan.steps.steps_per_epoch(),
      session.config.train.batch_size, plan.total_steps,
      plan.target_step < plan.total_steps ? fmt::format(", stopping after {}", plan.target_step) : ""));
  for (const std::string& remark : start.remarks) session.log->warn("{}", remark);
  if (start.kind == StartKind::kResume) session.log->info("resuming from {}", start.checkpoint.string());
}

void print_ready(const Session& session, const RunPlan& plan, const RunStart& start,
                 std::uint64_t steps_done) {
  if (!session.context.is_root()) return;
  const std::size_t warnings = session.warnings.size() + start.remarks.size();
  print(
      ready_verdict(warnings,
                    {describe_world(session.context.places, session.context.device.is_cuda()), session.links,
                     describe_steps(steps_done, plan.target_step, session.config.train.batch_size)}) +
      "\n");
}

}  // namespace ft::app
