// Work that rank 0 does alone (evaluating, saving) while the other ranks sleep.
#pragma once

#include <functional>
#include <string_view>

#include "ft/comm/communicator.h"
#include "ft/comm/liveness/activity.h"

namespace ft {

// Runs `task` on rank 0. The others wait without using their cores, and give up when rank 0 has told of no
// progress for the communicator's timeout, however long the task takes: let a long one call
// activity.progress(). An error of the task is thrown on every rank. Collective.
void run_on_root(Communicator& communicator, Activity& activity, std::string_view what,
                 const std::function<void()>& task);

}  // namespace ft
