// Work that rank 0 does alone (evaluating, saving) while the other ranks sleep.
#pragma once

#include <functional>
#include <string_view>

#include "ft/comm/communicator.h"

namespace ft {

// Tells the sleepers that rank 0 is alive; call it now and then from inside the task. Cheap when it is not
// yet time.
using Beat = std::function<void()>;

// Runs `task` on rank 0. The others wait without using their cores, and give up only when rank 0 has been
// silent for the communicator's timeout, however long the task takes. An error of the task is thrown on every
// rank. Collective.
void run_on_root(Communicator& communicator, std::string_view what,
                 const std::function<void(const Beat&)>& task);

}  // namespace ft
