// What every command starts from: the world, the config that all ranks agree on, this rank's device and
// cores.
#pragma once

#include <memory>
#include <optional>

#include "ft/base/stop_signals.h"
#include "ft/comm/communicator.h"
#include "ft/comm/liveness/liveness.h"
#include "ft/comm/mpi_session.h"
#include "ft/config/config.h"
#include "ft/train/rank_context.h"

#include "command_line.h"

namespace ft::app {

// Members are destroyed last to first: communicators before MPI.
struct Session {
  Session(MpiSession& session, Liveness& watchdog, StopSignals& stop_signals, CommandLine command_line,
          std::unique_ptr<Communicator> communicator)
      : mpi(session),
        liveness(watchdog),
        signals(stop_signals),
        line(std::move(command_line)),
        log(make_log(communicator->rank())),
        host(std::move(communicator)) {}

  MpiSession& mpi;
  Liveness& liveness;
  StopSignals& signals;
  CommandLine line;
  Log log;
  std::unique_ptr<Communicator> host;
  std::unique_ptr<Communicator> device_gradients;  // null when `host` carries the gradients
  Config config;
  RankContext context{};
  std::vector<std::string> warnings;
  std::string links;  // how fast the ranks reach each other, for the table of ranks
};

// Loads and compares the config, starts the watchdog, chooses the device and the backend, maps the ranks,
// sets torch's modes. Collective; what it throws is known to all ranks.
[[nodiscard]] std::unique_ptr<Session> open_session(MpiSession& mpi, Liveness& liveness, StopSignals& signals,
                                                    const CommandLine& line,
                                                    std::unique_ptr<Communicator> host);

}  // namespace ft::app
