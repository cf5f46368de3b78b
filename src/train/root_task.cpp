#include "ft/train/root_task.h"

#include "ft/comm/agreement.h"

namespace ft {

void run_on_root(Communicator& communicator, Activity& activity, std::string_view what,
                 const std::function<void()>& task) {
  agree(communicator, what, [&] {
    if (communicator.rank() != 0) return;
    activity.enter(what);
    task();
  });
  activity.leave();
}

}  // namespace ft
