#include <algorithm>
#include <iostream>
#include <iterator>

#include <unistd.h>

#include "ft/base/atomic_write.h"
#include "ft/comm/agreement.h"
#include "ft/config/load.h"
#include "ft/train/run_lock.h"
#include "ft/train/run_start.h"
#include "ft/train/stage_data.h"
#include "ft/train/trainer.h"

#include "arithmetic.h"
#include "commands.h"
#include "preflight.h"
#include "same_on_all_ranks.h"
#include "start_table.h"
#include "starting_point.h"
#include "version.h"

namespace ft::app {
namespace {

// What rank 0 found in the run directory, and its lock, which is held as long as this lives. Nothing is
// decided on what another start may still be changing.
struct LockedStart {
  std::optional<RunLock> lock;
  RunStart start;
};

LockedStart lock_and_decide(Session& session, const RunPlan& plan, const RunDirectory& directory) {
  LockedStart result;
  std::string mine;
  agree(*session.host, "looking into the run directory", [&] {
    if (!session.context.is_root()) return;
    require_own(directory);
    if (!directory.holds_run())
      (void)decide_start(session.config, plan, directory);  // before anything is made
    directory.create();
    result.lock.emplace(directory.metrics());
    mine = decide_start(session.config, plan, directory).to_text();
  });
  result.start = RunStart::from_text(session.host->all_gather(mine, "what to start from").at(0));
  return result;
}

void open_run_files(Session& session, const RunDirectory& directory) {
  agree(*session.host, "opening the run's files", [&] {
    if (session.context.is_root()) {
      write_file_atomically(directory.config(), kResolvedConfigHeader + to_yaml(session.config));
    }
    attach_file(session.log, directory.rank_log(session.context.rank()));
  });
}

nlohmann::ordered_json run_facts(const Session& session, const RunPlan& plan, const StartingPoint& from) {
  nlohmann::ordered_json hosts = nlohmann::ordered_json::array();
  for (const RankPlace& place : session.context.places) hosts.push_back(place.host);
  return {{"resumed_from_step", from.steps_done()},
          {"world", session.context.world_size()},
          {"hosts", hosts},
          {"pid", ::getpid()},  // of rank 0, whose line this is
          {"backend", session.context.gradients->backend()},
          {"device", session.context.device.is_cuda() ? "cuda" : "cpu"},
          {"threads", session.context.threads.compute},
          {"arithmetic", arithmetic_facts(session.context)},
          {"version", version_id()},
          {"config", config_fingerprint(session.config)},
          {"data", data_identity(plan)},
          {"data_sets", plan.data_fingerprint()},
          {"weights", from.model.source ? from.model.source->fingerprint : "none"},
          {"classes", plan.classes()},
          {"steps_per_epoch", plan.steps.steps_per_epoch()},
          {"total_steps", plan.total_steps},
          {"target_step", plan.target_step}};
}

void print_closing(const std::vector<std::string>& lines) {
  for (const std::string& line : lines) std::cout << line << '\n';
  std::cout.flush();
}

}  // namespace

int train_command(Session& session) {
  Communicator& host = *session.host;
  const Config local = with_staged_data(session.config, session.context);
  std::optional<RunPlan> plan;
  agree(host, "opening the data", [&] { plan = make_run_plan(local, host.world_size()); });
  require_same_on_all_ranks(host, plan->data_fingerprint(), "the data");

  const RunDirectory directory(session.config.run.dir);
  const LockedStart locked = lock_and_decide(session, *plan, directory);
  const RunStart& start = locked.start;
  if (start.kind == StartKind::kFinished) {
    if (session.context.is_root()) {
      session.log->info("{} is finished: nothing to do", directory.root().string());
      print_closing(start.closing);
    }
    return static_cast<int>(ExitCode::kDone);
  }
  open_run_files(session, directory);

  StartingPoint from = prepare_start(session, *plan, start);
  note_preflight(session, quick_preflight(session));
  if (session.config.dist.elastic > 0) {
    std::ranges::move(arithmetic_warnings(session.context, from.checkpoint),
                      std::back_inserter(session.warnings));
  }
  print_start_table(session, *plan, from.model, start);
  warn_of_shares(session, plan->steps.samples());

  std::optional<Trainer> trainer;
  agree(host, "preparing to train", [&] {
    trainer.emplace(session.config, *plan, session.context, from.model, directory,
                    TrainingStart{start.incarnation, from.checkpoint ? &*from.checkpoint : nullptr,
                                  start.checkpoint.parent_path() == directory.checkpoints(),
                                  run_facts(session, *plan, from)});
  });
  print_ready(session, *plan, start, from.steps_done());
  const TrainingOutcome outcome = trainer->run(session.signals);
  print_closing(outcome.closing);
  return static_cast<int>(outcome.exit);
}

}  // namespace ft::app
