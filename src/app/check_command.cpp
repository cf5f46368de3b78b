// Preflight: everything that a training run checks before its first step, and nothing else.
#include <iostream>

#include <fmt/format.h>

#include "ft/base/stopwatch.h"
#include "ft/comm/agreement.h"
#include "ft/data/stage.h"
#include "ft/model/formats/tensor_file.h"
#include "ft/train/prepared_model.h"

#include "commands.h"
#include "start_table.h"

namespace ft::app {
namespace {

// Time of a tiny all-reduce, in milliseconds: that the ranks reach each other, and whether they spin or
// sleep.
double probe_links(Communicator& host) {
  constexpr int kRounds = 20;
  double value[1] = {1};
  host.barrier("the probe of the links");
  const Stopwatch probe;
  for (int i = 0; i < kRounds; ++i) host.all_reduce_host(value, ReduceOp::kMax, "the probe of the links");
  return probe.seconds() * 1e3 / kRounds;
}

}  // namespace

int check_command(Session& session) {
  Communicator& host = *session.host;
  print_ranks(session);
  std::string verdict = fmt::format("{} rank{} on {}", host.world_size(), host.world_size() == 1 ? "" : "s",
                                    session.context.device.is_cuda() ? "cuda" : "cpu");
  if (host.world_size() > 1) verdict += fmt::format(", all-reduce {:.2f} ms", probe_links(host));

  if (session.line.config) {
    std::optional<RunPlan> plan;
    agree(host, "opening the data", [&] {
      // Only that each node has the variables: nothing is copied here.
      if (!session.config.data.stage.empty()) (void)expand_variables(session.config.data.stage);
      plan = make_run_plan(session.config, host.world_size());
    });
    require_same_on_all_ranks(host, plan->data_fingerprint(), "the data");
    print_data(session, *plan);
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
    verdict += fmt::format(", {} steps of {} images", plan->target_step, session.config.train.batch_size);
  }
  if (session.context.is_root()) {
    const std::string remarks =
        session.warnings.empty() ? "" : fmt::format(" ({} warnings)", session.warnings.size());
    std::cout << "check: ready" << remarks << ": " << verdict << std::endl;
  }
  host.barrier("the end of the check");
  return 0;
}

}  // namespace ft::app
