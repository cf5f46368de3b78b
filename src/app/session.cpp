#include "session.h"

#include <span>

#include <fmt/format.h>

#include "ft/base/error.h"
#include "ft/comm/agreement.h"
#include "ft/comm/backends.h"
#include "ft/comm/device/device.h"
#include "ft/comm/device/nccl_communicator.h"
#include "ft/comm/liveness/network_interface.h"
#include "ft/config/load.h"
#include "ft/config/schema.h"
#include "ft/train/autocast.h"

#include "same_on_all_ranks.h"

namespace ft::app {
namespace {

// A launcher's SIGTERM may come because a rank is lost. Much longer and there would be no time to say
// anything.
constexpr std::chrono::milliseconds kPatienceForNews{300};

std::string every_key(const Config& config) {
  std::string text;
  for (const KeySpec& key : config_schema()) text += fmt::format("{}: {}\n", key.name, key.format(config));
  return text;
}

// One process needs no interface, but where it tries out what many ranks will do, the name has to be right.
// Elsewhere (`eval` on a laptop, say) a config may name what only the training's hosts have.
void check_interface_alone(const Session& session) {
  const std::string& wish = session.config.dist.interface;
  const Command command = session.line.command;
  if (wish == "auto" || (command != Command::kTrain && command != Command::kCheck)) return;
  agree(*session.host, "choosing a network interface", [&] {
    const RankNetwork own{network_identity(), list_interfaces()};
    (void)choose_interface(wish, std::span(&own, 1), 0);
  });
}

void start_watchdog(Session& session) {
  if (session.host->world_size() == 1) check_interface_alone(session);
  LivenessOptions options;
  options.interface = session.config.dist.interface;
  options.peer_timeout = std::chrono::seconds(session.config.dist.peer_timeout_s);
  options.told_to_end = [&signals = session.signals] { return signals.told_to_end(); };
  session.liveness.set_loss_log([log = session.log, &signals = session.signals](const std::string& text) {
    log_to_file(log, text);
    signals.record(static_cast<int>(ExitCode::kPeer), text);
  });
  session.liveness.start(*session.host, options);
  session.context.activity = session.liveness.activity();
  if (!session.liveness.watching()) return;
  session.signals.set_peers(
      {.lost = [&liveness = session.liveness] { return liveness.lost_within(kPatienceForNews); },
       .leave =
           [&liveness = session.liveness, log = session.log](int exit_code, const std::string& what,
                                                             bool said) {
             log_to_file(log, what);
             liveness.leave_after_failure(exit_code, what, said);
           }});
}

void choose_where_to_compute(Session& session) {
  Communicator& host = *session.host;
  std::vector<RankPlace> places;
  ChosenDevice chosen;
  // Local ranks must be known before a device can be chosen, the device before the table is whole.
  places = gather_topology(host, "");
  const RankPlace& place = places[static_cast<std::size_t>(host.rank())];
  agree(host, "choosing devices", [&] {
    chosen = choose_device(session.config.run.device, place.local_rank, place.local_size);
    if (session.config.train.precision == Precision::kTf32 && chosen.device.is_cpu()) {
      throw UsageError("train.precision: tf32 is a GPU's; this rank computes on the CPU", "use fp32 or bf16");
    }
  });
  places = gather_topology(host, chosen.description);

  const BackendChoice backend = choose_backend(session.config.dist.backend, host, chosen.device);
  if (backend == BackendChoice::kNccl) {
    session.device_gradients = make_nccl_communicator(host, chosen.device.index());
    session.device_gradients->set_timeout(host.timeout());
  }
  RankContext& context = session.context;
  context.host = &host;
  context.gradients = session.device_gradients ? session.device_gradients.get() : &host;
  context.device = chosen.device;
  context.places = std::move(places);
  context.threads = make_thread_budget(session.config, context.place(), chosen.device.is_cpu());
  context.log = session.log;
}

}  // namespace

std::unique_ptr<Session> open_session(MpiSession& mpi, Liveness& liveness, StopSignals& signals,
                                      const CommandLine& line, std::unique_ptr<Communicator> host) {
  auto session = std::make_unique<Session>(mpi, liveness, signals, line, std::move(host));
  agree(*session->host, "reading the config",
        [&] { session->config = load_config(line.config, line.overrides); });
  require_same_on_all_ranks(*session->host, every_key(session->config), "the config");
  session->host->set_timeout(std::chrono::seconds(session->config.dist.timeout_s));
  start_watchdog(*session);
  choose_where_to_compute(*session);
  const bool deterministic = session->config.train.deterministic || session->config.dist.elastic > 0;
  set_compute_modes(session->config.train.precision, deterministic, session->context.threads.compute);
  session->warnings = topology_warnings(session->context.places, session->context.threads.compute);
  return session;
}

}  // namespace ft::app
