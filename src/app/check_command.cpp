// Preflight: everything that a training run checks before its first step, and nothing else.
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "ft/comm/agreement.h"
#include "ft/data/stage.h"
#include "ft/report/table.h"
#include "ft/train/run_start.h"

#include "arithmetic.h"
#include "commands.h"
#include "preflight.h"
#include "same_on_all_ranks.h"
#include "start_table.h"
#include "starting_point.h"

namespace ft::app {
namespace {

// Every link, slowest first; of a large world only so many.
void print_links(const Session& session, const std::vector<LinkSpeed>& links) {
  constexpr std::size_t kMostShown = 20;
  if (!session.context.is_root() || links.empty()) return;
  Table table({"link", "MB/s each way", "latency in us"});
  for (std::size_t i = 0; i < std::min(links.size(), kMostShown); ++i) {
    const LinkSpeed& link = links[i];
    table.add_row({describe_ends(link, session.context.places), fmt::format("{:.0f}", link.bytes_per_s / 1e6),
                   fmt::format("{:.0f}", link.latency_s * 1e6)});
  }
  std::fputs(table.to_string().c_str(), stderr);
  if (links.size() > kMostShown) {
    std::fputs(fmt::format("  and {} faster ones\n", links.size() - kMostShown).c_str(), stderr);
  }
}

// What the table of ranks has not said yet.
void warn(Session& session, std::vector<std::string> warnings) {
  for (std::string& warning : warnings) {
    if (session.context.is_root()) session.log->warn("{}", warning);
    session.warnings.push_back(std::move(warning));
  }
}

void warn_of_arithmetic(Session& session, const std::optional<Checkpoint>& checkpoint) {
  if (session.config.dist.elastic > 0) warn(session, arithmetic_warnings(session.context, checkpoint));
}

// As training does, but for the lock: that would take the directory from a run that starts now.
RunStart find_start(Session& session, const RunPlan& plan) {
  std::string mine;
  agree(*session.host, "looking into the run directory", [&] {
    if (!session.context.is_root()) return;
    const RunDirectory directory(session.config.run.dir);
    require_own(directory);
    mine = decide_start(session.config, plan, directory).to_text();
  });
  return RunStart::from_text(session.host->all_gather(mine, "what to start from").at(0));
}

RunPlan check_data(Session& session) {
  std::optional<RunPlan> plan;
  agree(*session.host, "opening the data", [&] {
    // Only that each node has the variables: nothing is copied here.
    if (!session.config.data.stage.empty()) (void)expand_variables(session.config.data.stage);
    plan = make_run_plan(session.config, session.host->world_size());
  });
  require_same_on_all_ranks(*session.host, plan->data_fingerprint(), "the data");
  print_data(session, *plan);
  return std::move(*plan);
}

// Whether training could start, and from where: what it would open is opened, and nothing is written.
std::string check_inputs(Session& session) {
  const RunPlan plan = check_data(session);
  const RunStart start = find_start(session, plan);
  warn(session, start.remarks);
  if (start.kind == StartKind::kFinished) return session.config.run.dir + " is finished: nothing to do";
  if (start.kind == StartKind::kResume && session.context.is_root()) {
    session.log->info("a start resumes from {}", start.checkpoint.string());
  }
  const StartingPoint from = prepare_start(session, plan, start);
  warn_of_arithmetic(session, from.checkpoint);
  warn_of_shares(session, plan.steps.samples());
  return describe_steps(from.steps_done(), plan.target_step, session.config.train.batch_size);
}

}  // namespace

int check_command(Session& session) {
  const Preflight found = session.line.probe ? thorough_preflight(session) : quick_preflight(session);
  note_preflight(session, found);
  print_ranks(session);
  print_links(session, found.links);
  std::vector<std::string> facts{describe_world(session.context.places, session.context.device.is_cuda()),
                                 session.links};
  if (!found.links.empty()) {
    facts.push_back("slowest link " + describe_link(found.links.front(), session.context.places));
  }
  if (session.line.config || !session.config.data.train.empty()) {
    facts.push_back(check_inputs(session));
  } else {
    warn_of_arithmetic(session, std::nullopt);
  }
  // Last but for the verdict: after that nothing may turn out to be wrong.
  session.host->barrier("the end of the check");
  if (session.context.is_root()) {
    std::cout << "check: " << ready_verdict(session.warnings.size(), facts) << std::endl;
  }
  return 0;
}

void print_not_ready(const std::string& why) {
  std::cout << "check: not ready: " << why << std::endl;
}

}  // namespace ft::app
