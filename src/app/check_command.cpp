// Preflight: everything that a training run checks before its first step, and nothing else.
#include <algorithm>
#include <cstdio>
#include <iostream>

#include <fmt/format.h>

#include "ft/comm/agreement.h"
#include "ft/data/stage.h"
#include "ft/model/formats/tensor_file.h"
#include "ft/report/table.h"
#include "ft/train/prepared_model.h"

#include "commands.h"
#include "preflight.h"
#include "same_on_all_ranks.h"
#include "start_table.h"

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

// Whether training could start: what it would open is opened, and nothing is written.
std::string check_inputs(Session& session) {
  Communicator& host = *session.host;
  std::optional<RunPlan> plan;
  agree(host, "opening the data", [&] {
    // Only that each node has the variables: nothing is copied here.
    if (!session.config.data.stage.empty()) (void)expand_variables(session.config.data.stage);
    plan = make_run_plan(session.config, host.world_size());
  });
  require_same_on_all_ranks(host, plan->data_fingerprint(), "the data");
  print_data(session, *plan);
  warn_of_shares(session, plan->steps.samples());
  PreparedModel model;
  agree(host, "preparing the model",
        [&] { model = prepare_model(session.config, plan->classes(), session.context.device, nullptr); });
  require_same_on_all_ranks(host, model.source ? model.source->fingerprint : "none", "the weights file");
  agree(host, "looking into the run directory", [&] {
    if (!session.context.is_root()) return;
    const RunDirectory directory(session.config.run.dir);
    require_own(directory);
    (void)decide_start(session.config, *plan, directory);
  });
  return describe_steps(0, plan->target_step, session.config.train.batch_size);
}

}  // namespace

int check_command(Session& session) {
  Communicator& host = *session.host;
  const Preflight found = session.line.probe ? thorough_preflight(session) : quick_preflight(session);
  note_preflight(session, found);
  print_ranks(session);
  print_links(session, found.links);
  std::vector<std::string> facts{describe_world(session.context.places, session.context.device.is_cuda()),
                                 session.links};
  if (!found.links.empty()) {
    facts.push_back("slowest link " + describe_link(found.links.front(), session.context.places));
  }
  if (session.line.config || !session.config.data.train.empty()) facts.push_back(check_inputs(session));
  if (session.context.is_root()) {
    std::cout << "check: " << ready_verdict(session.warnings.size(), facts) << std::endl;
  }
  host.barrier("the end of the check");
  return 0;
}

void print_not_ready(const std::string& why) {
  std::cout << "check: not ready: " << why << std::endl;
}

}  // namespace ft::app
